#include "flow/inputset.h"

#include "test.h"

#define KNOWN                    \
	{                        \
		.is_known = true \
	}
#define GIVEN                    \
	{                        \
		.is_given = true \
	}
#define BOTH                                       \
	{                                          \
		.is_known = true, .is_given = true \
	}
#define CHANGED                                                        \
	{                                                              \
		.is_known = true, .is_given = true, .is_changed = true \
	}
#define UNREAD                                      \
	{                                           \
		.is_known = true, .is_unread = true \
	}
#define UNREAD_GIVEN                                                  \
	{                                                             \
		.is_known = true, .is_given = true, .is_unread = true \
	}

static size_t which;

#define judge(complete, growing, ...)                                                             \
	inputset_judge((struct set_member[]){__VA_ARGS__},                                        \
		sizeof((struct set_member[]){__VA_ARGS__}) / sizeof(struct set_member), complete, \
		growing, &which)

void test_complete_again(void)
{
	check(judge(true, false, BOTH, BOTH) == SET_IS_DONE);
	check(judge(true, false, BOTH, CHANGED) == SET_CHANGED && which == 1);
}

void test_complete_and_others(void)
{
	check(judge(true, false, KNOWN, KNOWN, GIVEN) == SET_IS_NEW);
	check(judge(true, true, KNOWN, GIVEN) == SET_IS_NEW);
	check(judge(true, false, BOTH, KNOWN) == SET_OVERLAPS && which == 1);
	check(judge(true, false, BOTH, BOTH, GIVEN) == SET_OVERLAPS && which == 2);
	/* also where one of them has changed: which it is matters less than that they are mixed */
	check(judge(true, false, CHANGED, GIVEN) == SET_OVERLAPS);
}

void test_complete_and_now_growing(void)
{
	check(judge(true, true, BOTH, CHANGED) == SET_GOES_NEW);
	check(judge(true, true, BOTH, GIVEN) == SET_GOES_NEW);
}

void test_nothing_known(void)
{
	check(judge(false, false, GIVEN, GIVEN) == SET_GOES_ON);
	check(inputset_judge(NULL, 0, false, false, &which) == SET_GOES_ON);
	check(inputset_judge(NULL, 0, true, false, &which) == SET_IS_NEW);
}

/* What is read may be left out, what is not may not. */
void test_paused(void)
{
	for (int growing = 0; growing < 2; growing++) {
		check(judge(false, growing, BOTH, CHANGED, GIVEN) == SET_GOES_ON);
		check(judge(false, growing, UNREAD_GIVEN, GIVEN) == SET_GOES_ON);
		check(judge(false, growing, KNOWN, GIVEN) == SET_GOES_ON);
		check(judge(false, growing, KNOWN, BOTH, UNREAD) == SET_FORGETS && which == 2);
	}
}
