/*
 * What a cache miss costs: nanoseconds a read, where each read tells where the next one is, at
 * random in so many bytes. usage: misses BYTES
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

enum { LINE = 64, READS = 3000000 };

struct cell {
	uint64_t next;
	char rest[LINE - sizeof(uint64_t)];
};

static uint64_t draw(void)
{
	static uint64_t state = 1;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

/* One cycle through all cells (Sattolo). */
static void link_all(struct cell *cells, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		cells[i].next = i;
	for (uint64_t i = count - 1; i > 0; i--) {
		uint64_t other = draw() % i, next = cells[i].next;

		cells[i].next = cells[other].next;
		cells[other].next = next;
	}
}

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	uint64_t count = argc == 2 ? strtoull(argv[1], NULL, 10) / LINE : 0, at = 0;
	struct cell *cells = count > 1 ? malloc(count * sizeof(*cells)) : NULL;
	double from;

	if (!cells) {
		fprintf(stderr, "usage: misses BYTES\n");
		return EX_USAGE;
	}
	link_all(cells, count);
	from = cpu_ns();
	for (int i = 0; i < READS; i++)
		at = cells[at].next;
	/* at is told so that it must be worked out */
	printf("%.2f %d\n", (cpu_ns() - from) / READS, (int)(at & 1));
	free(cells);
	return 0;
}
