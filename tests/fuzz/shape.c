/*
 * The scanner with a memory against the one without: of lines that come again and again both must
 * say the same. The first byte chooses what is asked for; the rest are lines.
 */
#include "record/shape.h"
#include "replay.h"

enum { ASKED_MAX = 5, ROUNDS = 3, ROUNDS_TO_JOIN = 40, FEW_BYTES = 512 };

static const char *const asked[][ASKED_MAX] = {
	{"id", "user", "amount"},
	{"a", "b", "a.b", "b.a", "m"},
	{"a.b", "m.a.b"},
	{"a", "0", "a.1", "1.b"},
};

static void compare(const struct span *a, const struct span *b)
{
	must(a->type == b->type && a->len == b->len);
	must(!a->len || (a->at == b->at && a->escaped == b->escaped));
}

static void judge(struct shape *s, const struct shape_line *l)
{
	struct span root, want_root, want_values[ASKED_MAX];
	size_t where = 0, want_where = 0;
	const char *why = shape_scan(s, l, &root, &where);
	const char *want = scan(s->paths, l->at, l->len, &want_root, want_values, &want_where);

	must(why == want && where == want_where);
	if (why)
		return;
	compare(&root, &want_root);
	for (uint32_t i = 0; i < s->paths->count; i++)
		compare(&l->values[i], &want_values[i]);
}

static void judge_lines(struct shape *s, const char *p, const char *end)
{
	struct span values[2][ASKED_MAX];
	const char *newline;

	for (unsigned turn = 0; p < end; p = newline + 1, turn++) {
		const struct shape_view v = {.at = p,
			.end = end,
			.values = values[turn % 2],
			.next_values = values[(turn + 1) % 2]};
		const char *told;

		s->pause = 0;
		if (!shape_next_newline(s))
			shape_look(s, &v);
		told = shape_next_newline(s);
		newline = memchr(p, '\n', (size_t)(end - p));
		must(!told || told == newline);
		judge(s, &(struct shape_line){p, (size_t)(newline - p), v.values});
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *const *names;
	struct paths p;
	struct shape s;
	char *text;
	int value;

	if (!len)
		return 0;
	paths_init(&p);
	names = asked[bytes[0] % (sizeof(asked) / sizeof(*asked))];
	for (int i = 0; i < ASKED_MAX && names[i]; i++)
		must(!paths_add(&p, names[i], &value));
	shape_init(&s, &p);
	text = malloc(len + SCAN_PAD);
	memcpy(text, bytes + 1, len - 1);
	text[len - 1] = '\n';
	memset(text + len, 0, SCAN_PAD);
	s.join_in = 1;
	for (int i = 0; i < (len < FEW_BYTES ? ROUNDS_TO_JOIN : ROUNDS); i++)
		judge_lines(&s, text, text + len);
	free(text);
	shape_release(&s);
	paths_release(&p);
	return 0;
}
