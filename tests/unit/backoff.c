#include "flow/backoff.h"

#include "test.h"

static const struct backoff plain = {.base_ms = 1000, .cap_ms = 30000};

/* With the highest random number the wait is the ceiling itself. */
void test_ceiling_doubles_up_to_the_cap(void)
{
	static const uint64_t ceilings[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};

	for (unsigned i = 0; i < sizeof(ceilings) / sizeof(*ceilings); i++)
		check_int(backoff_ms(&plain, i + 1, UINT64_MAX, 0), ceilings[i]);
}

void test_never_overflows(void)
{
	struct backoff wide = {.base_ms = 3, .cap_ms = UINT64_MAX - 1};

	check(backoff_ms(&wide, 62, UINT64_MAX, 0) == (uint64_t)3 << 61);
	for (unsigned failures = 64; failures < 200; failures++)
		check(backoff_ms(&wide, failures, UINT64_MAX, 0) == UINT64_MAX - 1);
	check_int(backoff_ms(&plain, UINT32_MAX, UINT64_MAX, 0), 30000);
	check(backoff_ms(&wide, 64, UINT64_MAX, 5) == UINT64_MAX);
}

void test_asked_for_wait_is_a_floor(void)
{
	check_int(backoff_ms(&plain, 1, 0, 7000), 7000);
	check_int(backoff_ms(&plain, 1, UINT64_MAX, 7000), 8000);
}

void test_no_wait_at_all(void)
{
	struct backoff none = {.base_ms = 0, .cap_ms = 0};

	check_int(backoff_ms(&none, 5, UINT64_MAX, 0), 0);
}

/* Full jitter: each of the waits from 0 to the ceiling comes as often as any other. */
void test_uniform(void)
{
	struct backoff four = {.base_ms = 3, .cap_ms = 3};
	int times[4] = {0};

	for (uint64_t i = 0; i < 4096; i++)
		times[backoff_ms(&four, 1, i << 52, 0)]++;
	for (int i = 0; i < 4; i++)
		check_int(times[i], 1024);
}
