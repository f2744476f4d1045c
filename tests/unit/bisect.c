#include "flow/bisect.h"

#include "test.h"

/* A destination that refuses each piece with a poisonous record, and can take others in part. */
enum { RECORDS_MAX = 70 };

static bool poison[RECORDS_MAX];
static int tries_left[RECORDS_MAX]; /* so often a record that is not poison is sent again */
static int fate[RECORDS_MAX];       /* 0: unknown, 1: taken, 2: alone to blame */
static int pieces;

static unsigned long long seed = 88172645463325252ULL;

static unsigned long long random_below(unsigned long long n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static void send(struct bisect *b, const size_t *numbers, size_t count)
{
	size_t again[RECORDS_MAX], again_count = 0;
	bool refused = false;

	pieces++;
	for (size_t i = 0; i < count; i++) {
		check(i == 0 || numbers[i] > numbers[i - 1]);
		check(fate[numbers[i]] == 0);
		refused = refused || poison[numbers[i]];
	}
	if (refused) {
		if (count == 1)
			fate[numbers[0]] = 2;
		check(bisect_halve(b) == (count > 1));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (tries_left[numbers[i]]-- > 0)
			again[again_count++] = i;
		else
			fate[numbers[i]] = 1;
	}
	bisect_keep(b, again, again_count);
}

static void run(struct bisect *b, size_t count)
{
	const size_t *numbers;
	size_t n;

	pieces = 0;
	memset(fate, 0, sizeof(fate));
	bisect_begin(b, count);
	while ((numbers = bisect_next(b, &n)))
		send(b, numbers, n);
	for (size_t i = 0; i < count; i++)
		check_int(fate[i], poison[i] ? 2 : 1);
}

void test_every_set_of_poison_is_found(void)
{
	struct bisect b;

	bisect_init(&b);
	for (size_t count = 1; count <= 10; count++)
		for (unsigned set = 0; set < 1u << count; set++) {
			for (size_t i = 0; i < count; i++)
				poison[i] = set >> i & 1;
			run(&b, count);
		}
	bisect_release(&b);
}

void test_records_to_send_again(void)
{
	struct bisect b;

	printf("seed %llu\n", seed);
	bisect_init(&b);
	for (int round = 0; round < 20000; round++) {
		size_t count = 1 + random_below(RECORDS_MAX);

		for (size_t i = 0; i < count; i++) {
			poison[i] = random_below(8) == 0;
			tries_left[i] = random_below(4) ? 0 : (int)random_below(4);
		}
		run(&b, count);
	}
	bisect_release(&b);
}

/* Where nothing is taken in part, pieces go out in the order of the records. */
void test_order_is_kept(void)
{
	struct bisect b;
	const size_t *numbers;
	size_t count, next = 0;

	bisect_init(&b);
	bisect_begin(&b, 64);
	while ((numbers = bisect_next(&b, &count))) {
		check_int(numbers[0], next);
		if (numbers[0] % 7 == 0 && bisect_halve(&b))
			continue;
		next += count;
		if (numbers[0] % 7 != 0)
			bisect_keep(&b, NULL, 0);
	}
	check_int(next, 64);
	bisect_release(&b);
}

void test_one_among_many_costs_a_logarithm(void)
{
	struct bisect b;
	const size_t *numbers;
	size_t count;

	bisect_init(&b);
	for (size_t bad = 0; bad < 1024; bad++) {
		pieces = 0;
		bisect_begin(&b, 1024);
		while ((numbers = bisect_next(&b, &count))) {
			pieces++;
			if (numbers[0] <= bad && bad <= numbers[count - 1])
				bisect_halve(&b);
			else
				bisect_keep(&b, NULL, 0);
		}
		check_int(pieces, 21);
	}
	bisect_release(&b);
}
