/* States packed for the disk and unpacked, against twins that never were. */
#include <math.h>

#include "aggrun.h"

static const char list[] =
	"count,count(x > 0),sum(x),avg(x),stddev(x),stddev(y),min(x),max(x),sum(y),avg(y),"
	"argmin(x,id),argmax(x),first(s),last(s),first(s,3),last(id,4),collect(id),"
	"collect(x,5),top(s,3),top(id,100),distinct(s),distinct(id),quantile(x,0.9),quantile(z,0."
	"5)";

/* One that is packed now and then, and one that never is; of each two states, to be merged. */
struct twins {
	struct run packed, plain;
	void *packed_states[2], *plain_states[2];
	struct buf record;
};

static void twins_begin(struct twins *t, const char *aggregates)
{
	run_begin(&t->packed, aggregates);
	run_begin(&t->plain, aggregates);
	aggregates_keep_range(&t->packed.a);
	aggregates_keep_range(&t->plain.a);
	for (int i = 0; i < 2; i++) {
		t->packed_states[i] = state_new(&t->packed);
		t->plain_states[i] = state_new(&t->plain);
	}
	buf_init(&t->record);
}

static void twins_end(struct twins *t)
{
	for (int i = 0; i < 2; i++) {
		state_free(&t->packed, t->packed_states[i]);
		state_free(&t->plain, t->plain_states[i]);
	}
	check_int(t->packed.a.heap_bytes, 0);
	run_end(&t->packed);
	run_end(&t->plain);
	buf_release(&t->record);
}

static void twins_take(struct twins *t, int which, int64_t time_ns)
{
	take(&t->packed, t->packed_states[which], buf_string(&t->record), time_ns);
	take(&t->plain, t->plain_states[which], buf_string(&t->record), time_ns);
}

/* In memory of its own, so that a sanitizer sees what is read behind it. */
static bool unpack_copy(struct run *r, void *state, const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);
	bool good;

	if (len)
		memcpy(copy, bytes, len);
	good = aggregates_unpack(&r->a, state, copy, len);
	free(copy);
	return good;
}

/* A process that ends, and one that begins where it was. */
static void restart(struct twins *t)
{
	struct buf bytes = {0};
	uint64_t sequence = t->packed.a.sequence;

	for (int i = 0; i < 2; i++) {
		buf_clear(&bytes);
		aggregates_pack(&t->packed.a, t->packed_states[i], &bytes);
		aggregates_clear(&t->packed.a, t->packed_states[i]);
		t->packed.a.sequence = 0;
		check(unpack_copy(&t->packed, t->packed_states[i], bytes.data, bytes.len));
	}
	t->packed.a.sequence = sequence;
	buf_release(&bytes);
}

static void check_equal(struct twins *t, int which)
{
	struct buf got = {0}, want = {0};
	int64_t first[2] = {0}, last[2] = {0};

	for (int sketches = 0; sketches < 2; sketches++) {
		t->packed.a.gives_sketches = t->plain.a.gives_sketches = sketches;
		print_all(&t->packed, t->packed_states[which], &got);
		print_all(&t->plain, t->plain_states[which], &want);
		check_text(buf_string(&got), buf_string(&want));
	}
	check(aggregates_range(&t->packed.a, t->packed_states[which], &first[0], &last[0]) ==
		aggregates_range(&t->plain.a, t->plain_states[which], &first[1], &last[1]));
	check(first[0] == first[1] && last[0] == last[1]);
	check_int(t->packed.a.heap_bytes, t->plain.a.heap_bytes);
	buf_release(&got);
	buf_release(&want);
}

static void twins_merge(struct twins *t, int into)
{
	aggregates_merge(&t->packed.a, t->packed_states[into], t->packed_states[!into]);
	aggregates_merge(&t->plain.a, t->plain_states[into], t->plain_states[!into]);
}

/* Numbers of all kinds under x, some that keep the variance exact under y, of all magnitudes under
 * z; keys of which few, some, or many differ. */
static void any_record(struct buf *record, uint64_t keys)
{
	static const char *const values[] = {"1", "-2", "0.5", "1.50", "100", "-0.25", "3.000",
		"12345678901", "null", "0", "7e0", "0.00", "-0.0", "1e-30", "1e30", "1e300",
		"-1e300", "170141183460469231731687303715884105727",
		"-170141183460469231731687303715884105728", "0.12345678901234567890123456789",
		"1e-300", "2.5e-320"};
	uint64_t many = random_below(4) ? 10 : sizeof(values) / sizeof(*values);

	buf_clear(record);
	buf_format(record, "{\"id\":%llu", (unsigned long long)random_below(keys));
	if (random_below(8))
		buf_format(record, ",\"x\":%s", values[random_below(many)]);
	buf_format(record, ",\"y\":%llu.%llu", (unsigned long long)random_below(1000),
		(unsigned long long)random_below(100));
	buf_format(record, ",\"z\":%s%llue%d", random_below(2) ? "-" : "",
		(unsigned long long)random_below(1000), (int)random_below(600) - 300);
	buf_format(record, ",\"s\":\"%llx\"}",
		(unsigned long long)random_below(random_below(keys) + 1));
}

/* Packed at every prefix. */
void test_every_prefix(void)
{
	random_seed();
	for (int round = 0; round < 200; round++) {
		struct twins t;
		uint64_t keys = 1 + random_below(40);

		twins_begin(&t, list);
		for (uint64_t n = random_below(60); n; n--) {
			restart(&t);
			check_equal(&t, 0);
			check_equal(&t, 1);
			any_record(&t.record, keys);
			twins_take(&t, (int)random_below(2), (int64_t)random_below(20) - 10);
			if (random_below(20) == 0)
				twins_merge(&t, (int)random_below(2));
		}
		restart(&t);
		check_equal(&t, 0);
		twins_merge(&t, 0);
		check_equal(&t, 0);
		twins_end(&t);
	}
}

/* Beyond what is exact: many strings, magnitudes and counters. */
void test_beyond_the_limits(void)
{
	random_seed();
	for (int round = 0; round < 3; round++) {
		struct twins t;

		twins_begin(&t, list);
		for (int i = 0; i < 30000; i++) {
			any_record(&t.record, 25000);
			twins_take(&t, random_below(3) == 0, (int64_t)random_next());
			if (random_below(3000) == 0) {
				restart(&t);
				check_equal(&t, 1);
			}
			if (random_below(6000) == 0) {
				twins_merge(&t, (int)random_below(2));
				check_equal(&t, 0);
			}
		}
		restart(&t);
		twins_merge(&t, 0);
		restart(&t);
		check_equal(&t, 0);
		twins_end(&t);
	}
}

static void sketches(struct buf *record, uint64_t count)
{
	struct distinct d = {0};
	struct quantile q = {0};

	for (; count; count--) {
		uint64_t value = random_next();

		distinct_add(&d, &value, sizeof(value));
		quantile_add(&q, ldexp((double)(int64_t)value, (int)(value % 2000) - 1060));
	}
	buf_clear(record);
	buf_text(record, "{\"d\":\"");
	distinct_print(&d, record);
	buf_text(record, "\",\"q\":\"");
	quantile_print(&q, record);
	buf_text(record, "\"}");
	distinct_release(&d);
	quantile_release(&q);
}

void test_sketches_merged(void)
{
	random_seed();
	for (int round = 0; round < 20; round++) {
		struct twins t;

		twins_begin(&t, "merge(d),merge(q,0.3),merge(q,0.99)");
		for (int i = 0; i < 20; i++) {
			sketches(&t.record, random_below(10) ? random_below(300) : 6000);
			twins_take(&t, (int)random_below(2), i);
			restart(&t);
			check_equal(&t, (int)random_below(2));
		}
		twins_merge(&t, 1);
		check_equal(&t, 1);
		twins_end(&t);
	}
}

/* What a state costs, in a log of many of them. */
void test_packed_length(void)
{
	static const struct {
		const char *list, *records;
		size_t len;
	} cases[] = {
		{"count,sum(x)", "", 2},
		{"count,sum(x)", "{\"x\":12.50}", 5},
		{"count", "{}", 1},
		{"distinct(x)", "", 2},
		{"collect(x)", "", 1},
		{"merge(x)", "", 2},
		{"merge(x,0.5)", "", 1},
		{"first(x)", "{\"x\":\"page\"}", 10},
	};
	struct run r;
	struct buf bytes = {0};
	void *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		run_begin(&r, cases[i].list);
		state = state_new(&r);
		take_all(&r, state, cases[i].records);
		buf_clear(&bytes);
		aggregates_pack(&r.a, state, &bytes);
		check_int(bytes.len, cases[i].len);
		state_free(&r, state);
		run_end(&r);
	}
	run_begin(&r, "count,sum(x)");
	state = state_new(&r);
	for (int i = 0; i < 100000; i++)
		take(&r, state, "{\"x\":123456.78}", i);
	buf_clear(&bytes);
	aggregates_pack(&r.a, state, &bytes);
	check(bytes.len >= 6 && bytes.len <= 13);
	state_free(&r, state);
	run_end(&r);
	buf_release(&bytes);
}

/* Whatever came of damage must not break what is done with it. */
static void use(struct run *r, void *state)
{
	struct buf text = {0}, bytes = {0};
	void *other = state_new(r);

	print_all(r, state, &text);
	aggregates_pack(&r->a, state, &bytes);
	check(unpack_copy(r, other, bytes.data, bytes.len));
	any_record(&text, 50);
	take(r, state, buf_string(&text), 1);
	aggregates_merge(&r->a, state, other);
	aggregates_merge(&r->a, other, state);
	r->a.gives_sketches = true;
	print_all(r, other, &text);
	r->a.gives_sketches = false;
	state_free(r, other);
	buf_release(&text);
	buf_release(&bytes);
}

static bool try(struct run *r, const char *bytes, size_t len)
{
	void *state = state_new(r);
	bool good = unpack_copy(r, state, bytes, len);

	check(good || r->a.heap_bytes == 0);
	for (size_t i = 0; !good && i < r->a.state_bytes; i++)
		check_int(((char *)state)[i], 0);
	if (good)
		use(r, state);
	state_free(r, state);
	check_int(r->a.heap_bytes, 0);
	return good;
}

/* At so many places. */
static void check_damage(struct run *r, struct buf *bytes, size_t places)
{
	size_t step = bytes->len / places + 1;

	check(try(r, bytes->data, bytes->len));
	for (size_t len = 0; len < bytes->len; len += step)
		check(!try(r, bytes->data, len));
	for (size_t i = 0; i < bytes->len; i += step)
		for (int bit = 0; bit < 8; bit++) {
			bytes->data[i] ^= (char)(1 << bit);
			try(r, bytes->data, bytes->len);
			bytes->data[i] ^= (char)(1 << bit);
		}
	buf_char(bytes, 0);
	check(!try(r, bytes->data, bytes->len));
	bytes->len--;
}

static void check_damage_of(const char *aggregates, uint64_t records, uint64_t keys, size_t places)
{
	struct run r;
	struct buf bytes = {0}, record = {0};
	void *state;

	run_begin(&r, aggregates);
	aggregates_keep_range(&r.a);
	state = state_new(&r);
	for (; records; records--) {
		any_record(&record, keys);
		take(&r, state, buf_string(&record), (int64_t)random_below(1000));
	}
	aggregates_pack(&r.a, state, &bytes);
	state_free(&r, state);
	check_damage(&r, &bytes, places);
	run_end(&r);
	buf_release(&bytes);
	buf_release(&record);
}

void test_damage(void)
{
	random_seed();
	for (uint64_t n = 0; n < 30; n = 2 * n + 1)
		check_damage_of(list, n, 30, 300);
	check_damage_of("distinct(id),quantile(z,0.5)", 6000, 100000, 40);
	check_damage_of("top(s,5),sum(x)", 15000, 100000, 12);
}

/* Lengths and counts that claim more than there is. */
void test_noise(void)
{
	struct run r;
	char bytes[64];

	random_seed();
	run_begin(&r, "quantile(x,0.5),top(x,3)");
	for (int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (char)(random_below(3) ? random_below(4) : random_next());
		try(&r, bytes, random_below(sizeof(bytes)));
	}
	run_end(&r);
	run_begin(&r, list);
	for (int i = 0; i < 20000; i++) {
		memset(bytes, 0, sizeof(bytes));
		for (uint64_t j = random_below(4); j < 4; j++)
			bytes[random_below(sizeof(bytes))] = (char)random_next();
		try(&r, bytes, random_below(sizeof(bytes)));
	}
	run_end(&r);
}
