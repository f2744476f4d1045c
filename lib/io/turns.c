#include "io/turns.h"

#include <sched.h>

enum turns { UNKNOWN, SHORT, LONG, NOT_OURS };

static enum turns now;
static unsigned short_reads; /* since a long one */

static void take(enum turns wanted)
{
	const struct sched_param none = {.sched_priority = 0};

	if (now == UNKNOWN)
		now = sched_getscheduler(0) == SCHED_OTHER ? SHORT : NOT_OURS;
	if (now == NOT_OURS || now == wanted)
		return;
	now = sched_setscheduler(0, wanted == LONG ? SCHED_BATCH : SCHED_OTHER, &none) == 0
		      ? wanted
		      : NOT_OURS;
}

void turns_adapt(size_t bytes)
{
	if (bytes >= TURNS_LONG_BYTES) {
		short_reads = 0;
		take(LONG);
	} else if (++short_reads >= TURNS_SHORT_READS) {
		take(SHORT);
	}
}
