#include "flow/leaders.h"

#include "random.h"
#include "test.h"

enum { ROWS = 200 };

static int64_t ranks[ROWS];

/* How many come before it: by the number, of equal ones those that came first. */
static uint64_t before(uint64_t place, uint64_t rows)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < rows; i++)
		n += ranks[i] > ranks[place] || (ranks[i] == ranks[place] && i < place);
	return n;
}

void test_against_all(void)
{
	random_seed();
	for (int round = 0; round < 500; round++) {
		uint64_t rows = random_below(ROWS), most = random_below(2) ? 5 : random_below(ROWS);
		uint64_t spread = random_below(2) ? 4 : 100000;
		struct leaders l;

		leaders_init(&l, most);
		for (uint64_t i = 0; i < rows; i++) {
			struct decimal rank;

			ranks[i] = (int64_t)random_below(spread) - (int64_t)spread / 2;
			rank = decimal_from_integer(ranks[i]);
			leaders_add(&l, &rank, i);
		}
		for (int again = 0; again < 2; again++) {
			leaders_ask(&l);
			for (uint64_t i = 0; i < rows; i++)
				check(leaders_has(&l, i) == (before(i, rows) < most));
		}
		check_int(l.count, most < rows ? most : rows);
		leaders_release(&l);
	}
}

/* Numbers are compared as such. */
void test_decimals(void)
{
	static const char *const texts[] = {"1e3", "999.9999", "1000.00001", "-1e30"};
	struct leaders l;

	leaders_init(&l, 1);
	for (uint64_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct decimal rank;

		check(!decimal_parse(&rank, texts[i], strlen(texts[i])));
		leaders_add(&l, &rank, i);
	}
	leaders_ask(&l);
	for (uint64_t i = 0; i < 4; i++)
		check(leaders_has(&l, i) == (i == 2));
	leaders_release(&l);
}
