#include "record/shape.h"

#include <string.h>

#include "base/buf.h"
#include "random.h"
#include "test.h"

/* Lines of a few shapes, now and then damaged: what the shape cache says of each is what the
 * scanner says, also of what is wrong and where. */

enum { FIELDS = 7, LINES = 200000 };

static const char *const fields[FIELDS] = {
	"id", "user.id", "user.name", "items.1", "amount", "no", "x"};

/* Of eight values in the lines so many are what they were in the lines before, in one era. */
static unsigned steady, era, place;

static void scalar(struct buf *b)
{
	static const char *const some[] = {"null", "true", "false", "0", "-1.5e+7",
		"12345678901234567890", "\"\"", "\"plain text\"",
		"\"more than sixteen bytes of it\"", "\"\\u00e9\\n\"", "\"\xc3\xa9\"", "\"\\\"\"",
		"\":\"", "\"{\"", "0.10", "\"a,b\""};

	enum { SOME = sizeof(some) / sizeof(*some) };

	place++;
	if (place * 5 % 8 < steady)
		buf_text(b, some[(place * 7 + era) % SOME]);
	else
		buf_text(b, some[random_below(SOME)]);
}

static void member(struct buf *b, const char *before)
{
	buf_text(b, before);
	scalar(b);
}

static void record(struct buf *b, unsigned shape)
{
	place = 0;
	member(b, shape == 1 ? " { \"id\": " : "{\"id\":");
	member(b, ",\"user\":{\"id\":");
	member(b, ",\"name\":");
	buf_text(b, "},\"items\":[");
	for (unsigned i = 0; i < (shape == 2 ? random_below(4) : 3); i++)
		member(b, i ? "," : "");
	buf_text(b, "]");
	if (shape != 3)
		member(b, ",\"a key that is longer than sixteen bytes\" :\t");
	member(b, ",\"amount\":");
	if (shape == 4)
		member(b, ",\"amount\":");
	if (shape == 5)
		member(b, ",\"x\":{\"x\":");
	buf_text(b, shape == 5 ? "}}" : "}");
	if (shape == 1)
		buf_text(b, " \r");
}

static void damage(struct buf *b)
{
	static const char bytes[] = "{}[],:\"\\ 0a-\x80\xc3\t";
	size_t at = random_below((unsigned)b->len);

	switch (random_below(3)) {
	case 0:
		b->data[at] = bytes[random_below(sizeof(bytes) - 1)];
		break;
	case 1:
		b->len = at;
		break;
	case 2:
		buf_char(b, bytes[random_below(sizeof(bytes) - 1)]);
		break;
	}
}

static bool same_span(const struct span *a, const struct span *b)
{
	return a->type == b->type && a->len == b->len &&
	       (a->type == SPAN_MISSING || (a->at == b->at && a->escaped == b->escaped));
}

/* A stream of lines, some of which are in memory at once, as those of a read are. */
struct trial {
	struct paths paths;
	struct shape shape;
	struct buf text, read;
	struct span values[3][FIELDS];
	unsigned turn;
	unsigned known, came_along;
	unsigned joined; /* ended with values that stay the same */
	bool notes;      /* of all lines but those that begin with the key b */
	unsigned noted;
};

static void trial_init(struct trial *t, const char *const *names, int count)
{
	*t = (struct trial){.turn = 0};
	buf_init(&t->text);
	buf_init(&t->read);
	paths_init(&t->paths);
	for (int i = 0, value; i < count; i++)
		check(!paths_add(&t->paths, names[i], &value));
	shape_init(&t->shape, &t->paths);
	random_seed();
}

static void trial_release(struct trial *t)
{
	shape_release(&t->shape);
	paths_release(&t->paths);
	buf_release(&t->text);
	buf_release(&t->read);
}

static void check_line(struct trial *t, const struct shape_line *l)
{
	struct span root = {0}, want_root = {0}, want_values[FIELDS];
	size_t where = 0, want_where = 0;
	bool is_along = shape_next_newline(&t->shape) == l->at + l->len;
	const char *why = shape_scan(&t->shape, l, &root, &where);
	const char *want = scan(&t->paths, l->at, l->len, &want_root, want_values, &want_where);

	check(why == want);
	check_int(where, want_where);
	t->known += t->shape.end != NULL;
	t->came_along += is_along && t->shape.end;
	t->joined += t->shape.end && t->shape.end - t->shape.arcs >= SHAPE_ARCS_MAX;
	t->noted += shape_is_noted(&t->shape);
	if (t->notes) {
		check(l->at[2] != 'b' || !shape_is_noted(&t->shape));
		if (l->at[2] != 'b')
			shape_note(&t->shape);
	}
	if (want)
		return;
	check(same_span(&root, &want_root));
	for (uint32_t i = 0; i < t->paths.count; i++)
		check(same_span(&l->values[i], &want_values[i]));
}

/* What is known of the line at p when it is to be scanned. */
static const char *look(struct trial *t, const char *p, const char *end)
{
	const struct shape_view v = {.at = p,
		.end = end,
		.values = t->values[t->turn % 2],
		.next_values = random_below(32) ? t->values[(t->turn + 1) % 2] : NULL};

	if (!shape_next_newline(&t->shape) && random_below(16))
		shape_look(&t->shape, &v);
	return shape_next_newline(&t->shape);
}

/* Lines that were read at once, the last of which may be cut: gives the bytes of the whole ones.
 * Mostly each is scanned behind the one before it, with its values where that was told. */
static size_t check_read(struct trial *t, const char *bytes, size_t len)
{
	const char *p, *end, *newline;

	buf_clear(&t->read);
	buf_add(&t->read, bytes, len);
	memset(buf_reserve(&t->read, SCAN_PAD), 0, SCAN_PAD);
	p = t->read.data;
	end = p + len;
	for (; (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
		const char *told = look(t, p, end);
		struct shape_line l = {.at = p, .len = (size_t)(newline - p)};

		check(!told || told == newline);
		if (!random_below(64)) {
			shape_forget_ahead(&t->shape);
			continue;
		}
		l.values = t->values[random_below(64) ? t->turn % 2 : 2];
		t->turn++;
		check_line(t, &l);
	}
	check(!look(t, p, end));
	shape_forget_ahead(&t->shape);
	return (size_t)(p - t->read.data);
}

static void check_lines(struct trial *t)
{
	size_t at = 0;

	while (at < t->text.len) {
		size_t left = t->text.len - at;

		at += check_read(t, t->text.data + at, random_below(4) ? left : random_below(left));
	}
	buf_clear(&t->text);
}

static void end_line(struct trial *t)
{
	buf_char(&t->text, '\n');
	if (!random_below(20))
		check_lines(t);
}

/* What is damaged may be no JSON any more, and there may be lines of nothing. */
static void add_line(struct trial *t, struct buf *line, unsigned damaged)
{
	if (damaged && !random_below(damaged))
		damage(line);
	buf_add(&t->text, line->data, line->len);
	end_line(t);
	while (damaged && !random_below(16))
		end_line(t);
}

/* Gives how many lines the cache knew, and how many of them ended with values that stay. */
static unsigned run_joined(
	const char *const *names, int count, unsigned shapes, unsigned damaged, unsigned *joined)
{
	struct trial t;
	struct buf b;

	buf_init(&b);
	trial_init(&t, names, count);
	for (int i = 0; i < LINES; i++) {
		unsigned shape = random_below(200) ? (unsigned)i / 5000 : (unsigned)random_below(6);

		buf_clear(&b);
		era = (unsigned)i / 100000;
		record(&b, shapes ? shape % shapes : (unsigned)random_below(6));
		add_line(&t, &b, damaged);
	}
	check_lines(&t);
	check(t.came_along > t.known / 8);
	trial_release(&t);
	buf_release(&b);
	*joined = t.joined;
	return t.known;
}

static unsigned run(const char *const *names, int count, unsigned shapes, unsigned damaged)
{
	unsigned joined;

	return run_joined(names, count, shapes, damaged, &joined);
}

void test_says_what_scan_says(void)
{
	check(run(fields, FIELDS, 6, 20) > LINES / 3);
	check(run(fields, FIELDS, 0, 3) < LINES / 2);
}

void test_a_stream_of_one_shape_is_known(void)
{
	check(run(fields, FIELDS, 1, 0) > LINES * 98 / 100);
}

/* Documents of a small grammar, so that their ways cross as often as can be: equal keys, empty and
 * nested containers, elements of all kinds, asked for whole and in part. */
static void document(struct buf *b, unsigned levels)
{
	static const char *const keys[] = {"\"a\":", "\"b\":", "\"m\" :", "\"\\u0061\":"};
	unsigned kind = (unsigned)random_below(levels ? 4 : 2), count = (unsigned)random_below(4);

	if (kind < 2 && levels != 4) {
		scalar(b);
		return;
	}
	buf_text(b, kind % 2 ? "{" : "[");
	for (unsigned i = 0; i < count; i++) {
		if (i)
			buf_text(b, random_below(16) ? "," : ", ");
		if (kind % 2)
			buf_text(b, keys[random_below(random_below(8) ? 2 : 4)]);
		document(b, levels - 1);
	}
	buf_text(b, kind % 2 ? "}" : "]");
}

/* With no pause the cache takes part in all of it. */
static void run_documents(const char *const *names, int count, unsigned known_min)
{
	struct trial t;
	struct buf b;

	buf_init(&b);
	trial_init(&t, names, count);
	for (int i = 0; i < LINES; i++) {
		buf_clear(&b);
		document(&b, 4);
		t.shape.pause = t.shape.alone = 0;
		if (t.shape.join_in > 64)
			t.shape.join_in = 64;
		add_line(&t, &b, 16);
	}
	check_lines(&t);
	check(t.known > known_min);
	check(t.came_along > known_min / 16);
	trial_release(&t);
	buf_release(&b);
}

void test_ways_that_cross(void)
{
	static const char *const in_part[] = {"a", "b", "a.b", "b.a", "a.a.b", "m"};
	static const char *const by_number[] = {"0", "1.a", "a", "a.1", "b.0.a"};

	run_documents(in_part, 6, LINES / 8);
	run_documents(in_part + 2, 3, LINES / 8);
	run_documents(by_number, 5, LINES / 16);
}

void test_elements_may_be_many_or_few(void)
{
	check(run(fields, FIELDS - 4, 3, 0) > LINES * 98 / 100);
}

void test_a_whole_object_is_known(void)
{
	static const char *const whole[] = {"user", "items", "user.name"};

	check(run(whole, 3, 1, 0) > LINES * 98 / 100);
}

/* Also where they change, where arrays between them are not equally long, and where all that is
 * behind the first value stays. */
void test_values_that_stay(void)
{
	static const char *const whole[] = {"user", "items", "user.name"};
	unsigned joined;

	steady = 6;
	run(fields, FIELDS, 6, 20);
	run(fields, FIELDS, 0, 3);
	check(run(whole, 3, 1, 0) > LINES * 98 / 100);
	check(run_joined(fields, 1, 3, 20, &joined) > LINES / 3);
	check(joined > LINES / 100);
	steady = 8;
	check(run_joined(fields, 1, 1, 0, &joined) > LINES * 98 / 100);
	check(joined > LINES / 2);
	check(run_joined(fields, 1, 3, 0, &joined) > LINES * 98 / 100);
	check(joined > LINES / 50);
}

/* What is noted of lines is not said of others that end with the same values, however often it is
 * looked for values that stay. */
void test_a_note_and_values_that_stay(void)
{
	static const char *const names[] = {"a"};
	static const char *const forms[] = {
		"{\"a\":%d,\"m\":1}", "{\"b\":%d,\"m\":1}", "{\"a\":%d,\"m\":1,\"n\":\"x\"}"};
	struct trial t;

	trial_init(&t, names, 1);
	t.notes = true;
	for (int i = 0; i < LINES; i++) {
		buf_format(&t.text, forms[random_below(3)], i);
		if (t.shape.join_in > 64)
			t.shape.join_in = 64;
		end_line(&t);
	}
	check_lines(&t);
	check(t.joined > LINES / 4);
	check(t.noted > LINES / 2);
	trial_release(&t);
}

/* The note is of the line without its values. */
void test_a_note_stays_with_its_lines(void)
{
	static const char *const names[] = {"a"};
	static const char *const lines[] = {"{\"a\":1,\"m\":[1]}", "{\"a\":2,\"m\":[1,2,3]}",
		"{\"b\":2,\"m\":[1,2]}", "{\"a\":2,\"m\":[{\"b\":1}],\"b\":1}"};
	struct trial t;

	trial_init(&t, names, 1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			struct shape_line l = {.values = t.values[0], .len = strlen(lines[i])};

			buf_clear(&t.text);
			buf_text(&t.text, lines[i]);
			buf_char(&t.text, '\n');
			memset(buf_reserve(&t.text, SCAN_PAD), 0, SCAN_PAD);
			l.at = t.text.data;
			check_line(&t, &l);
			check((t.shape.end != NULL) == (round > 0));
			if (i == 0)
				shape_note(&t.shape);
			check_int(shape_is_noted(&t.shape), round > 0 && i <= 1);
		}
	}
	trial_release(&t);
}

void test_where_nothing_is_known_nothing_is_one_of_it(void)
{
	static const char *const names[] = {"a"};
	struct trial t;

	for (int i = 0; i < 100; i++) {
		trial_init(&t, names, 1);
		buf_text(&t.text, i % 2 ? "\n\n\n" : "x\nx\n\n");
		check_lines(&t);
		check_int(t.known, 0);
		trial_release(&t);
	}
}

/* How many looks of a hundred tell of two lines, where lines have a value of so many bytes. */
static unsigned pairs_of(struct trial *t, size_t least, size_t most)
{
	enum { COUNT = 20000 };
	unsigned looks = 0, pairs = 0;
	const char *p, *end;

	buf_clear(&t->text);
	for (int i = 0; i < COUNT; i++) {
		size_t len = least + random_below(most - least + 1);

		buf_format(&t->text, "{\"a\":\"%0*d\",\"b\":1}\n", (int)len, i);
	}
	memset(buf_reserve(&t->text, SCAN_PAD), 0, SCAN_PAD);
	p = t->text.data;
	end = p + t->text.len;
	while (p < end) {
		const struct shape_view v = {p, end, t->values[0], t->values[1]};

		shape_look(&t->shape, &v);
		looks++;
		pairs += t->shape.next == t->shape.ahead;
		for (int i = 0; p < end && i < 2; i++) {
			const char *newline = memchr(p, '\n', (size_t)(end - p));

			check_line(t, &(struct shape_line){p, (size_t)(newline - p), t->values[i]});
			p = newline + 1;
		}
	}
	return 100 * pairs / looks;
}

/* However long they are, and where they become shorter or longer. */
void test_two_lines_are_looked_at_together(void)
{
	static const char *const names[] = {"a", "c"};
	struct trial t;

	trial_init(&t, names, 2);
	check(pairs_of(&t, 10, 10) >= 99);
	check(pairs_of(&t, 5, 20) >= 98);
	check(pairs_of(&t, 300, 900) >= 98);
	check(pairs_of(&t, 40, 50) >= 98);
	check(pairs_of(&t, 5, 2000) >= 98);
	trial_release(&t);
}

/* Of lines from several places the next one in memory is not the next one scanned. */
void test_lines_that_do_not_follow_are_not_looked_at(void)
{
	static const char *const names[] = {"a"};
	static const char line[] = "{\"a\":1}\n";
	struct trial t;
	unsigned found = 0;

	trial_init(&t, names, 1);
	for (int i = 0; i < 8; i++)
		buf_text(&t.text, line);
	memset(buf_reserve(&t.text, SCAN_PAD), 0, SCAN_PAD);
	for (int i = 0; i < 650; i++) {
		const char *p = t.text.data + (i % 2 ? 4 : 0) * (sizeof(line) - 1);
		struct shape_line l = {.at = p, .len = sizeof(line) - 2, .values = t.values[i % 2]};
		const struct shape_view v = {.at = p + sizeof(line) - 1,
			.end = p + 4 * (sizeof(line) - 1),
			.values = t.values[i % 2],
			.next_values = t.values[2]};

		check_line(&t, &l);
		shape_look(&t.shape, &v);
		found += shape_next_newline(&t.shape) != NULL;
	}
	check_int(found, 11);
	trial_release(&t);
}
