#include "flow/retry.h"

#include "test.h"

enum { MS = 1000000 };

static const struct retry plain = {
	.backoff = {.base_ms = 1000, .cap_ms = 30000},
	.most = UINT64_MAX,
	.for_ns = (int64_t)10000 * MS,
};

void test_waits_double(void)
{
	struct retry r = plain;
	int64_t at;

	check(retry_failed(&r, 0, UINT64_MAX, 0, &at));
	check_int(at, (int64_t)1000 * MS);
	check(retry_failed(&r, at, UINT64_MAX, 0, &at));
	check_int(at, (int64_t)3000 * MS);
	retry_reset(&r);
	check(retry_failed(&r, at, UINT64_MAX, 0, &at));
	check_int(at, (int64_t)4000 * MS);
}

/* The last try is at the end of the time, not before and not after it. */
void test_gives_up_when_the_time_is_over(void)
{
	struct retry r = plain;
	int64_t start = (int64_t)5000 * MS, at = start;
	int tries = 0;

	while (retry_failed(&r, at, UINT64_MAX, 0, &at))
		tries++;
	check_int(at, start + r.for_ns);
	check_int(tries, 4);
	check_int(r.failures, 5);
}

void test_counts_tries(void)
{
	struct retry r = plain;
	int64_t at;

	r.most = 2;
	check(retry_failed(&r, 0, 0, 0, &at));
	check(retry_failed(&r, 0, 0, 0, &at));
	check(!retry_failed(&r, 0, 0, 0, &at));
	r.most = 0;
	retry_reset(&r);
	check(!retry_failed(&r, 0, 0, 0, &at));
}

void test_the_destination_is_obeyed_or_left(void)
{
	struct retry r = plain;
	int64_t at;

	check(retry_failed(&r, 0, 0, 7000, &at));
	check_int(at, (int64_t)7000 * MS);
	check(retry_failed(&r, at, UINT64_MAX, 2999, &at));
	check_int(at, (int64_t)10000 * MS);
	retry_reset(&r);
	check(!retry_failed(&r, 0, 0, 10001, &at));
	retry_reset(&r);
	check(!retry_failed(&r, 0, 0, UINT64_MAX, &at));
}

void test_no_time_at_all(void)
{
	struct retry r = plain;
	int64_t at;

	r.for_ns = 0;
	check(!retry_failed(&r, 7, 0, 0, &at));
	r = plain;
	r.for_ns = INT64_MAX;
	check(retry_failed(&r, 7, UINT64_MAX, 0, &at));
	check(at > 7);
}
