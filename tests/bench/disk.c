/*
 * The map on disk, as dd-dedupe uses it at worst: test-and-insert of keys that are all new, with
 * nothing of them in memory. Prints the rate and the largest resident size, and fails where that is
 * beyond the bound.
 * usage: disk [MILLIONS OF KEYS [MIB OF MEMORY]]
 */
#include "state/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/die.h"

enum { KEY_BYTES = 16, AGAIN = 1000000 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* SplitMix64: all different, and in no order, as fingerprints are. */
static uint64_t mixed(uint64_t i)
{
	i += 0x9e3779b97f4a7c15;
	i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9;
	i = (i ^ i >> 27) * 0x94d049bb133111eb;
	return i ^ i >> 31;
}

/* Whether it was there. */
static bool enter(struct disk *d, uint64_t i)
{
	uint64_t key[2] = {mixed(i), mixed(~i)};
	const char *value;
	size_t len;

	if (disk_get(d, key, KEY_BYTES, &value, &len))
		return true;
	disk_put(d, key, KEY_BYTES, &i, sizeof(i));
	return false;
}

/* Of /proc/self/status, in MiB. */
static double peak_mib(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	double kib = 0;

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtod(line + 6, NULL);
	if (status)
		fclose(status);
	return kib / 1024;
}

/* Of all threads, since the process began. */
static double processor_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

struct lap {
	double began;
	double processor_began;
};

static struct lap lap_begin(void)
{
	return (struct lap){seconds(), processor_seconds()};
}

static void told(const char *what, uint64_t count, struct lap lap)
{
	double took = seconds() - lap.began, worked = processor_seconds() - lap.processor_began;

	printf("%-30s %9.0f/s %6.2f us (%.2f us of processor)  peak RSS %.0f MiB\n", what,
		(double)count / took, took / (double)count * 1e6, worked / (double)count * 1e6,
		peak_mib());
	fflush(stdout);
}

int main(int argc, char **argv)
{
	uint64_t keys = (argc > 1 ? strtoull(argv[1], NULL, 10) : 20) * 1000000;
	uint64_t bound_mib = argc > 2 ? strtoull(argv[2], NULL, 10) : 256;
	struct disk *d;
	struct lap lap;
	uint64_t found = 0;

	program_name_set(argv[0]);
	d = disk_open(NULL, 0, bound_mib << 20);
	lap = lap_begin();
	for (uint64_t i = 0; i < keys; i++) {
		found += enter(d, i);
		if ((i + 1) % 5000000 == 0)
			told("test-and-insert, so far", i + 1, lap);
	}
	told("test-and-insert of new keys", keys, lap);
	lap = lap_begin();
	for (uint64_t i = 0; i < AGAIN; i++)
		found += enter(d, mixed(i) % keys);
	told("test of known keys, at random", AGAIN, lap);
	disk_close(d);
	printf("bound %" PRIu64 " MiB, peak RSS %.0f MiB\n", bound_mib, peak_mib());
	return found != AGAIN || peak_mib() > (double)bound_mib;
}
