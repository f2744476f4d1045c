#include "base/bound.h"

#include "base/exact.h"

/* The text of so many units of the last place, as a word that texts are compared by. */
static uint64_t text_of(int64_t units, int scale)
{
	uint64_t word = 0;

	for (int i = 0; i < DIGITS_WORD; i++) {
		uint64_t byte = '.';

		if (!scale || i != scale) {
			byte = (uint64_t)('0' + units % 10);
			units /= 10;
		}
		word |= byte << 8 * i;
	}
	return word;
}

/* The constant in units of 10^-scale, rounded down, within what a text says and one to each side.
 */
static int64_t units_of(const struct decimal *constant, int scale, int64_t most, bool *is_exact)
{
	int128 units = constant->coefficient, one = 1, rest = 0;

	if (constant->scale > scale) {
		exact_raise(&one, constant->scale - scale);
		rest = units % one;
		units = units / one - (rest < 0);
	} else if (!exact_raise(&units, scale - constant->scale)) {
		units = units < 0 ? -1 : most + 1;
	}
	*is_exact = rest == 0 && units >= 0 && units <= most;
	if (units < 0)
		return -1;
	return units > most ? most : (int64_t)units;
}

static void set_texts(struct bound *b, unsigned holding, const struct decimal *constant, int scale)
{
	bool is_outside = holding == (BOUND_BELOW | BOUND_ABOVE), is_exact;
	int64_t most = (int64_t)exact_tens[DIGITS_WORD - (scale > 0)] - 1;
	int64_t units = units_of(constant, scale, most, &is_exact);
	int64_t first, last, behind = units + 1, before = units - is_exact;
	size_t point = (size_t)(DIGITS_WORD - 1 - scale);

	if (is_outside)
		holding = BOUND_SAME;
	if (holding & BOUND_SAME && is_exact)
		behind = before = units;
	first = holding & BOUND_BELOW ? 0 : behind;
	last = holding & BOUND_ABOVE ? most : before;
	b->texts[point].is_outside = is_outside != (first > last);
	b->texts[point].from = first > last ? 0 : text_of(first, scale);
	b->texts[point].width =
		first > last ? UINT64_MAX : text_of(last, scale) - b->texts[point].from;
}

void bound_set(struct bound *b, unsigned holding, const struct decimal *constant)
{
	for (int scale = 0; scale < DIGITS_WORD; scale++)
		set_texts(b, holding, constant, scale);
}
