#include "base/bound.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact.h"
#include "random.h"
#include "test.h"

/* A number of few digits: so many units of 10^-scale. */
struct few {
	int64_t units;
	int scale;
};

static size_t print(char *text, struct few n)
{
	char format[16];

	if (!n.scale)
		return (size_t)sprintf(text, "%" PRId64, n.units);
	sprintf(format, "%%" PRId64 ".%%0%d" PRId64, n.scale);
	return (size_t)sprintf(text, format, n.units / (int64_t)exact_tens[n.scale],
		n.units % (int64_t)exact_tens[n.scale]);
}

/* -1, 0 or 1. */
static int order(struct few a, struct few b)
{
	int128 x = (int128)a.units * (int64_t)exact_tens[b.scale];
	int128 y = (int128)b.units * (int64_t)exact_tens[a.scale];

	return (x > y) - (x < y);
}

static bool follows(unsigned holding, int order)
{
	return holding & (order < 0 ? BOUND_BELOW : order ? BOUND_ABOVE : BOUND_SAME);
}

static bool tells(const struct bound *b, const char *number, bool *holds)
{
	char text[64];
	size_t len = strlen(number);

	/* what stands around it has no say in it */
	memset(text, '7', sizeof(text));
	memcpy(text + 8, number, len);
	return bound_tells(b, text + 8, len, holds);
}

static void check_one(const struct bound *b, unsigned holding, struct few n, struct few constant)
{
	bool holds, wanted = follows(holding, order(n, constant));
	char text[64];

	if (print(text, n) > DIGITS_WORD) {
		check(!tells(b, text, &holds));
		return;
	}
	check(tells(b, text, &holds));
	if (holds != wanted)
		fprintf(stderr, "%s %u %" PRId64 "e-%d\n", text, holding, constant.units,
			constant.scale);
	check_int(holds, wanted);
}

static struct bound bound_of(unsigned holding, struct few constant)
{
	struct decimal d = {.coefficient = constant.units, .scale = (uint8_t)constant.scale};
	struct bound b;

	bound_set(&b, holding, &d);
	return b;
}

static const unsigned comparisons[] = {BOUND_SAME, BOUND_BELOW | BOUND_ABOVE, BOUND_BELOW,
	BOUND_BELOW | BOUND_SAME, BOUND_ABOVE, BOUND_ABOVE | BOUND_SAME};

enum { COMPARISONS = sizeof(comparisons) / sizeof(*comparisons) };

/* Each small number beside each. */
void test_small_numbers(void)
{
	for (int64_t c = -130; c <= 130; c++)
		for (int i = 0; i < COMPARISONS * 4; i++) {
			struct few constant = {c, i % 4};
			struct bound b = bound_of(comparisons[i / 4], constant);

			for (int64_t n = 0; n <= 1300; n++)
				check_one(&b, comparisons[i / 4],
					(struct few){n % 325, (int)(n / 325)}, constant);
		}
}

static struct few any_number(int scale_most)
{
	int digits = 1 + (int)random_below(9);

	return (struct few){(int64_t)random_below(exact_tens[digits]),
		(int)random_below((uint64_t)scale_most + 1)};
}

/* Constants of all sizes, and numbers that are near them as well. */
void test_against_a_product(void)
{
	random_seed();
	for (int i = 0; i < 300000; i++) {
		unsigned holding = comparisons[random_below(COMPARISONS)];
		struct few constant = any_number(12), n = any_number(7);
		struct bound b;

		if (random_below(2) && constant.scale < 8)
			n = (struct few){
				constant.units + (int64_t)random_below(3) - 1, constant.scale};
		if (n.units < 0)
			n.units = 0;
		if (random_below(8) == 0)
			constant.units = -constant.units;
		b = bound_of(holding, constant);
		check_one(&b, holding, n, constant);
	}
}

/* What no short text comes near, but for the one of the largest scale: it is above 1.7. */
void test_constants_far_away(void)
{
	static const char *const texts[] = {
		"99999999", "0", "0.000000", "9.999999", "999999.9", "0.000001"};

	for (int sign = -1; sign <= 1; sign += 2)
		for (int scale = 0; scale <= 38; scale += 19) {
			struct decimal d = {
				.coefficient = sign * (int128)exact_most, .scale = (uint8_t)scale};
			struct bound below, same;

			bound_set(&below, BOUND_BELOW, &d);
			bound_set(&same, BOUND_SAME, &d);
			for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
				bool holds,
					wanted = sign > 0 && (scale < 38 || atof(texts[i]) < 1.7);

				check(tells(&below, texts[i], &holds));
				check_int(holds, wanted);
				check(tells(&same, texts[i], &holds));
				check_int(holds, false);
			}
		}
}

void test_other_numbers(void)
{
	static const char *const texts[] = {"-1", "-0", "-1.5", "1e5", "1E5", "1e+5", "1e-5",
		"1.5e3", "0e0", "123456789", "0.1234567", "1.0E2", "-1234567"};
	struct bound b = bound_of(BOUND_ABOVE, (struct few){1, 0});
	bool holds;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check(!tells(&b, texts[i], &holds));
}
