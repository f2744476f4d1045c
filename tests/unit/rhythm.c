#include "flow/rhythm.h"

#include "base/instant.h"
#include "test.h"

static const int64_t second = NS_PER_S;

void test_by_time(void)
{
	struct rhythm r;

	rhythm_begin(&r, 10 * second, 0, 5 * second);
	check_int(rhythm_due_ns(&r), 15 * second);
	check(!rhythm_record(&r, 1 << 30));
	check_int(rhythm_due_ns(&r), 15 * second);
	rhythm_next(&r, 16 * second);
	check_int(rhythm_due_ns(&r), 26 * second);
}

void test_by_size(void)
{
	struct rhythm r;

	rhythm_begin(&r, 0, 100, 0);
	check(rhythm_due_ns(&r) == INT64_MAX);
	check(!rhythm_record(&r, 60));
	check(!rhythm_record(&r, 39));
	check(rhythm_record(&r, 1));
	rhythm_next(&r, 0);
	check(!rhythm_record(&r, 99));
	check(rhythm_record(&r, 500));
}

/* Each empty one doubles, up to a minute; a record sets it back at once. */
void test_idle(void)
{
	static const int64_t lengths_s[] = {20, 40, 60, 60};
	struct rhythm r;
	int64_t now_ns = 0;

	rhythm_begin(&r, 10 * second, 0, now_ns);
	for (size_t i = 0; i < sizeof(lengths_s) / sizeof(*lengths_s); i++) {
		rhythm_next(&r, now_ns);
		check_int(rhythm_due_ns(&r), now_ns + lengths_s[i] * second);
		now_ns = rhythm_due_ns(&r);
	}
	rhythm_next(&r, now_ns);
	rhythm_record(&r, 1);
	check_int(rhythm_due_ns(&r), now_ns + 10 * second);
	rhythm_next(&r, now_ns);
	check_int(rhythm_due_ns(&r), now_ns + 10 * second);
}

/* Who asked for more than a minute gets it, idle or not. */
void test_longer_than_a_minute(void)
{
	struct rhythm r;

	rhythm_begin(&r, 3600 * second, 0, 0);
	rhythm_next(&r, 0);
	check_int(rhythm_due_ns(&r), 3600 * second);
}

void test_no_overflow(void)
{
	struct rhythm r;

	rhythm_begin(&r, INT64_MAX, 0, 7);
	rhythm_next(&r, 7);
	check(rhythm_due_ns(&r) == INT64_MAX);
}
