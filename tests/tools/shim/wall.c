/* The time of day is what the file $WALL says, in seconds since 1970. All other clocks are as they
 * are. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *to)
{
	const char *path = getenv("WALL");
	FILE *file;
	long seconds = 0;

	if (clock != CLOCK_REALTIME || !path)
		return (int)syscall(SYS_clock_gettime, clock, to);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%ld", &seconds) != 1)
		abort();
	fclose(file);
	*to = (struct timespec){.tv_sec = seconds};
	return 0;
}
