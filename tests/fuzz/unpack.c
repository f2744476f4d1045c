/*
 * States of aggregates, unpacked. The first byte chooses a list, the rest is a packed state.
 * Damage leaves nothing behind; what is taken can be printed, added to, merged, and packed again.
 */
#include "record/aggregate.h"

#include "base/mem.h"

#include "json.h"

static const char *const lists[] = {
	"count,sum(x),avg(x)",
	"stddev(x)",
	"min(x),max(x)",
	"argmin(x),argmax(x,s)",
	"first(s),last(s),first(s,3),collect(x,5)",
	"top(s,3)",
	"distinct(s)",
	"quantile(x,0.5)",
	"merge(d),merge(q,0.5)",
};

static const char record[] = "{\"x\":1.5,\"s\":\"text\",\"n\":null}";

static void print_all(const struct aggregates *a, const void *state, struct buf *to)
{
	buf_clear(to);
	for (size_t i = 0; i < a->count; i++) {
		const char *why = aggregates_print(a, i, state, to);

		buf_text(to, why ? why : "");
		buf_char(to, '\n');
	}
}

static void add_record(struct aggregates *a, const struct paths *paths, void *state)
{
	struct span *values = mem_zero(paths->count + 1, sizeof(*values));
	char *line = json_line(record, sizeof(record) - 1);
	struct span root;
	size_t where, which;

	must(!scan(paths, line, sizeof(record) - 1, &root, values, &where));
	must(!aggregates_read(a, values, line, sizeof(record) - 1, &which));
	aggregates_apply(a, state, 7);
	free(line);
	free(values);
}

static void use(struct aggregates *a, const struct paths *paths, void *state)
{
	void *again = mem_zero(1, a->state_bytes);
	struct buf bytes = {0}, one = {0}, two = {0};

	aggregates_pack(a, state, &bytes);
	must(aggregates_unpack(a, again, bytes.data, bytes.len));
	print_all(a, state, &one);
	print_all(a, again, &two);
	must(one.len == two.len && memcmp(one.data, two.data, one.len) == 0);
	add_record(a, paths, state);
	aggregates_merge(a, again, state);
	aggregates_merge(a, state, again);
	a->gives_sketches = true;
	print_all(a, state, &one);
	aggregates_clear(a, again);
	free(again);
	buf_release(&bytes);
	buf_release(&one);
	buf_release(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct aggregates a = {.count = 0};
	struct paths paths;
	size_t column;
	void *state;

	if (!len)
		return 0;
	paths_init(&paths);
	must(!aggregates_compile(
		&a, lists[bytes[0] % (sizeof(lists) / sizeof(*lists))], &paths, &column));
	aggregates_keep_range(&a);
	state = mem_zero(1, a.state_bytes);
	if (aggregates_unpack(&a, state, (const char *)bytes + 1, len - 1))
		use(&a, &paths, state);
	aggregates_clear(&a, state);
	must(a.heap_bytes == 0);
	free(state);
	aggregates_release(&a);
	paths_release(&paths);
	return 0;
}
