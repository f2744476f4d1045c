#include "record/shape.h"

#include "base/buf.h"
#include "random.h"
#include "test.h"

/* Lines of a few shapes, now and then damaged: what the shape cache says of each is what the
 * scanner says, also of what is wrong and where. */

enum { FIELDS = 7, LINES = 200000 };

static const char *const fields[FIELDS] = {
	"id", "user.id", "user.name", "items.1", "amount", "no", "x"};

static void scalar(struct buf *b)
{
	static const char *const some[] = {"null", "true", "false", "0", "-1.5e+7",
		"12345678901234567890", "\"\"", "\"plain text\"",
		"\"more than sixteen bytes of it\"", "\"\\u00e9\\n\"", "\"\xc3\xa9\"", "\"\\\"\"",
		"\":\"", "\"{\"", "0.10", "\"a,b\""};

	buf_text(b, some[random_below(sizeof(some) / sizeof(*some))]);
}

static void member(struct buf *b, const char *before)
{
	buf_text(b, before);
	scalar(b);
}

static void record(struct buf *b, unsigned shape)
{
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

/* As the contract of scan has it. */
static void end_line(struct buf *b)
{
	memset(buf_reserve(b, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	b->data[b->len] = '\n';
}

static bool same_span(const struct span *a, const struct span *b)
{
	return a->type == b->type &&
	       (a->type == SPAN_MISSING ||
		       (a->at == b->at && a->len == b->len && a->escaped == b->escaped));
}

static void check_line(struct shape *s, const struct buf *b)
{
	struct span root = {0}, want_root = {0}, values[FIELDS], want_values[FIELDS];
	size_t where = 0, want_where = 0;
	const char *why = shape_scan(s, b->data, b->len, &root, values, &where);
	const char *want = scan(s->paths, b->data, b->len, &want_root, want_values, &want_where);

	check(why == want);
	check_int(where, want_where);
	if (want)
		return;
	check(same_span(&root, &want_root));
	for (uint32_t i = 0; i < s->paths->count; i++)
		check(same_span(&values[i], &want_values[i]));
}

/* Gives how many lines the cache knew. */
static unsigned run(const char *const *names, int count, unsigned shapes, unsigned damaged)
{
	struct paths paths;
	struct shape s;
	struct buf b;
	unsigned hits = 0;

	buf_init(&b);
	paths_init(&paths);
	for (int i = 0, value; i < count; i++)
		check(!paths_add(&paths, names[i], &value));
	shape_init(&s, &paths);
	random_seed();
	for (int i = 0; i < LINES; i++) {
		unsigned shape = random_below(200) ? (unsigned)i / 5000 : (unsigned)random_below(6);

		buf_clear(&b);
		record(&b, shapes ? shape % shapes : (unsigned)random_below(6));
		if (damaged && !random_below(damaged))
			damage(&b);
		end_line(&b);
		check_line(&s, &b);
		hits += s.end != NULL;
	}
	shape_release(&s);
	paths_release(&paths);
	buf_release(&b);
	return hits;
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
static void run_documents(const char *const *names, int count, unsigned hits_min)
{
	struct paths paths;
	struct shape s;
	struct buf b;
	unsigned hits = 0;

	buf_init(&b);
	paths_init(&paths);
	for (int i = 0, value; i < count; i++)
		check(!paths_add(&paths, names[i], &value));
	shape_init(&s, &paths);
	random_seed();
	for (int i = 0; i < LINES; i++) {
		buf_clear(&b);
		document(&b, 4);
		if (!random_below(16))
			damage(&b);
		end_line(&b);
		s.pause = 0;
		check_line(&s, &b);
		hits += s.end != NULL;
	}
	check(hits > hits_min);
	shape_release(&s);
	paths_release(&paths);
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

/* The note is of the line without its values. */
void test_a_note_stays_with_its_lines(void)
{
	static const char *const lines[] = {"{\"a\":1,\"m\":[1]}", "{\"a\":2,\"m\":[1,2,3]}",
		"{\"b\":2,\"m\":[1,2]}", "{\"a\":2,\"m\":[{\"b\":1}],\"b\":1}"};
	struct paths paths;
	struct shape s;
	struct buf b;
	int value;

	buf_init(&b);
	paths_init(&paths);
	check(!paths_add(&paths, "a", &value));
	shape_init(&s, &paths);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++) {
			buf_clear(&b);
			buf_text(&b, lines[i]);
			end_line(&b);
			check_line(&s, &b);
			check((s.end != NULL) == (round > 0));
			if (i == 0)
				shape_note(&s);
			check_int(shape_is_noted(&s), round > 0 && i <= 1);
		}
	}
	shape_release(&s);
	paths_release(&paths);
	buf_release(&b);
}
