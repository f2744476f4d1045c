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
		memset(buf_reserve(&b, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
		b.data[b.len] = '\n';
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

void test_a_whole_object_is_the_scanners(void)
{
	static const char *const whole[] = {"user"};

	check_int(run(whole, 1, 1, 0), 0);
}
