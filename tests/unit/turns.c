#include "io/turns.h"

#include <sched.h>

#include "test.h"

static void begin_as(int policy)
{
	const struct sched_param none = {.sched_priority = 0};

	check(sched_setscheduler(0, policy, &none) == 0);
}

void test_long_reads_and_short_ones(void)
{
	begin_as(SCHED_OTHER);
	turns_adapt(TURNS_LONG_BYTES - 1);
	check_int(sched_getscheduler(0), SCHED_OTHER);
	turns_adapt(TURNS_LONG_BYTES);
	check_int(sched_getscheduler(0), SCHED_BATCH);
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < TURNS_SHORT_READS; i++) {
			turns_adapt(1);
			check_int(sched_getscheduler(0), SCHED_BATCH);
		}
		turns_adapt(1 << 20);
	}
	for (int i = 0; i < TURNS_SHORT_READS; i++)
		turns_adapt(TURNS_LONG_BYTES - 1);
	check_int(sched_getscheduler(0), SCHED_OTHER);
	turns_adapt(TURNS_LONG_BYTES);
	check_int(sched_getscheduler(0), SCHED_BATCH);
}

static void check_kept(int policy)
{
	turns_adapt(TURNS_LONG_BYTES);
	check_int(sched_getscheduler(0), policy);
	for (int i = 0; i < 2 * TURNS_SHORT_READS; i++)
		turns_adapt(1);
	check_int(sched_getscheduler(0), policy);
}

void test_batch_of_the_users_is_kept(void)
{
	begin_as(SCHED_BATCH);
	check_kept(SCHED_BATCH);
}

void test_idle_of_the_users_is_kept(void)
{
	begin_as(SCHED_IDLE);
	check_kept(SCHED_IDLE);
}
