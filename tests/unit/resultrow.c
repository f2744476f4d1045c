#include "tool/resultrow.h"

#include "base/mem.h"
#include "random.h"
#include "record/aggprint.h"
#include "record/timetext.h"
#include "test.h"

/* Rows against their parts, each written by itself, one behind the other. */

struct setting {
	struct resultrow row;
	struct aggregates a;
	struct paths paths;
	struct key_fields key;
	void *state;
};

static void setting_begin(struct setting *s, const char *key, const char *list)
{
	size_t column;

	*s = (struct setting){.state = NULL};
	paths_init(&s->paths);
	check(!aggregates_compile(&s->a, list, &s->paths, &column));
	if (key)
		check(!key_fields_read(&s->key, key));
	for (size_t i = 0; i < s->key.count; i++)
		check(!paths_add(&s->paths, s->key.names[i], &s->key.fields[i]));
	resultrow_init(&s->row);
	s->row.key = &s->key;
	s->row.aggregates = &s->a;
	resultrow_prepare(&s->row);
	s->state = mem_zero(1, s->a.state_bytes);
}

static void setting_end(struct setting *s)
{
	aggregates_clear(&s->a, s->state);
	free(s->state);
	resultrow_release(&s->row);
	aggregates_release(&s->a);
	key_fields_release(&s->key);
	paths_release(&s->paths);
}

static void add_bound(struct buf *to, const char *name, int64_t ns)
{
	char text[TIME_TEXT_MAX];

	time_print(text, ns);
	buf_format(to, "\"%s\":\"%s\",", name, text);
}

static void add_parts(const struct setting *s, struct buf *to, const struct result *what)
{
	const struct result_bounds *b = &what->bounds;
	const char *part = what->key, *end = part + what->key_len;

	buf_char(to, '{');
	for (size_t i = 0; i < s->key.count; i++) {
		buf_format(to, "\"%s\":", s->key.names[i]);
		key_part_print(to, &part, end);
		buf_char(to, ',');
	}
	if (b->is_there) {
		add_bound(to, b->is_window ? "window_start" : "window_first", b->from_ns);
		add_bound(to, b->is_window ? "window_end" : "window_last", b->to_ns);
	}
	for (size_t i = 0; i < s->a.count; i++) {
		buf_format(to, "\"%s\":", s->a.list[i].name);
		check(!aggregates_print(&s->a, i, what->state, to));
		buf_char(to, ',');
	}
}

/* A record whose key and value are of all the forms that they can have. */
static void random_record(struct buf *line)
{
	static const char *const values[] = {"1", "-7.25", "0.001", "99999999", "12345678.9",
		"1e30", "1e300", "null", "\"x\"", "[1]", "true", "0"};
	static const char *const texts[] = {"", "a", "user-00000017", "0123456789abcdef",
		"longer than what fits two words", "b\\u0000c", "\\\"quoted\\\"",
		"\xc3\xa4hnlich-1"};

	buf_clear(line);
	buf_format(line, "{\"k\":\"%s\",\"l\":", texts[random_below(8)]);
	if (random_below(2))
		buf_format(line, "\"%s\"", texts[random_below(8)]);
	else
		buf_text(line, values[random_below(12)]);
	buf_format(line, ",\"x\":%s,\"m\":%s}", values[random_below(8)], values[random_below(12)]);
}

static void take_record(struct setting *s, struct buf *key)
{
	struct span *spans = mem_zero(s->paths.count, sizeof(*spans)), root;
	struct buf line;
	size_t where, which;

	buf_init(&line);
	random_record(&line);
	memset(buf_reserve(&line, 1 + SCAN_PAD), 0, 1 + SCAN_PAD);
	line.data[line.len] = '\n';
	check(!scan(&s->paths, line.data, line.len, &root, spans, &where));
	if (!aggregates_read(&s->a, spans, line.data, line.len, &which))
		aggregates_apply(&s->a, s->state, 0);
	key_encode(key, &s->key, spans);
	buf_release(&line);
	free(spans);
}

static struct result_bounds random_bounds(void)
{
	int64_t from_ns = (int64_t)random_below(3) * 60000000000 + (int64_t)random_below(2);

	return (struct result_bounds){
		.is_window = random_below(2),
		.is_there = random_below(4),
		.from_ns = from_ns,
		.to_ns = from_ns + 60000000000 - (int64_t)random_below(2),
	};
}

static void check_rows(const char *key_list, const char *list)
{
	struct buf got, want, key;
	struct setting s;

	setting_begin(&s, key_list, list);
	buf_init(&got);
	buf_init(&want);
	buf_init(&key);
	for (int i = 0; i < 100; i++) {
		struct result what = {.bounds = random_bounds(), .state = s.state};

		if (random_below(8) == 0)
			aggregates_clear(&s.a, s.state);
		take_record(&s, &key);
		what.key = key.data;
		what.key_len = key.len;
		/* the same again, as most rows have the bounds of the one before */
		for (uint64_t n = 1 + random_below(3); n; n--) {
			resultrow_put(&s.row, &got, &what);
			add_parts(&s, &want, &what);
		}
	}
	check_int(got.len, want.len);
	check(memcmp(got.data, want.data, got.len) == 0);
	buf_release(&got);
	buf_release(&want);
	buf_release(&key);
	setting_end(&s);
}

void test_rows(void)
{
	random_seed();
	check_rows(NULL, "count");
	check_rows("k", "count");
	check_rows("k", "n=count, s=sum(x)");
	check_rows("k,l", "s=sum(x), a=avg(x), n=count");
	check_rows("l,k,m", "least=min(x), s=sum(x), all=collect(l, 5), n=count, d=distinct(k)");
	check_rows(NULL, "a_name_that_is_longer_than_what_is_copied_at_once=sum(x), n=count");
	check_rows("a_key_that_is_longer_than_sixteen,k", "t=top(l, 3), first(k), n=count");
}

/* Names are copied in steps: of all lengths. */
void test_names_of_all_lengths(void)
{
	random_seed();
	for (int len = 1; len <= 50; len++) {
		char list[256], name[64] = "";

		memset(name, 'n', (size_t)len);
		sprintf(list, "%s=count, x%s=sum(x)", name, name);
		check_rows(NULL, list);
		check_rows(name, "count, sum(x)");
	}
}
