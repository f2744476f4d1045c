#include "flow/cause.h"

#include "test.h"

#define status(number)               \
	{                            \
		false, number, false \
	}
#define killed(number)              \
	{                           \
		true, number, false \
	}
#define excused(number)            \
	{                          \
		true, number, true \
	}
#define cause(...)                                     \
	cause_of((const struct ending[]){__VA_ARGS__}, \
		sizeof((const struct ending[]){__VA_ARGS__}) / sizeof(struct ending))

void test_all_is_well(void)
{
	check_int(cause_of(NULL, 0), 0);
	check_int(cause(status(0), status(0)), 0);
	check_int(cause(status(0), excused(13)), 0);
}

void test_the_first_cause_counts_and_not_its_consequences(void)
{
	check_int(cause(status(75), status(65), status(78)), 65);
	check_int(cause(killed(9), status(75), status(1)), 1);
	check_int(cause(excused(13), status(127), status(0)), 127);
	check_int(cause(status(0), status(75)), 75);
	check_int(cause(killed(9), status(0)), 75);
	check_int(cause(status(75), killed(11), excused(9)), 75);
}

void test_what_may_pass(void)
{
	static const int lasting[] = {0, 1, 64, 65, 70, 73, 74, 77, 78, 126, 127};

	for (size_t i = 0; i < sizeof(lasting) / sizeof(*lasting); i++)
		check(!cause_may_pass(lasting[i]));
	check(cause_may_pass(69));
	check(cause_may_pass(75));
}
