/*
 * Lists of aggregates: what is read has names and fields, all different names, a state of its own
 * each, and takes values and prints results.
 */
#include "flow/aggregate.h"

#include "replay.h"

static void use(const struct aggregates *a)
{
	struct decimal value = decimal_from_integer(7);
	const struct decimal *values[AGGREGATES_MAX];
	void *state = calloc(1, a->state_bytes);
	struct buf result;

	buf_init(&result);
	for (size_t i = 0; i < a->count; i++) {
		must(a->list[i].name[0] && a->list[i].at % 8 == 0);
		must((a->list[i].field == NULL) == (a->list[i].kind == AGGREGATE_COUNT));
		must(!a->list[i].field || a->list[i].field[0]);
		for (size_t k = 0; k < i; k++)
			must(strcmp(a->list[i].name, a->list[k].name) != 0);
		values[i] = &value;
	}
	aggregates_add(a, state, values);
	for (size_t i = 0; i < a->count; i++) {
		buf_clear(&result);
		must(!aggregate_print(a, i, state, &result));
		must(strcmp(buf_string(&result), a->list[i].field ? "7" : "1") == 0);
	}
	buf_release(&result);
	free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *list = calloc(1, len + 1);
	struct aggregates a;

	memcpy(list, bytes, len);
	if (!aggregates_read(&a, list))
		use(&a);
	aggregates_release(&a);
	free(list);
	return 0;
}
