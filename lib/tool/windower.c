#include "tool/windower.h"

#include "base/die.h"

static const struct aggregate *largest(const struct aggregates *a)
{
	const struct aggregate *most = &a->list[0];

	for (size_t i = 1; i < a->count; i++)
		if (a->list[i].heap_bytes > most->heap_bytes)
			most = &a->list[i];
	return most;
}

static void die_full(const struct windower *w, size_t bytes)
{
	const struct aggregate *most = largest(w->aggregates);
	size_t windows = w->kind->count(w), keys = w->kind->keys(w), own = w->kind->bytes(w);

	if (most->heap_bytes > own)
		die(EX_TEMPFAIL,
			"--memory is used up (%zu bytes): the largest part, %zu bytes, is what "
			"'%s' keeps for "
			"%zu key(s) in %zu open window(s)",
			bytes, most->heap_bytes, most->name, keys, windows);
	die(EX_TEMPFAIL,
		"--memory is used up (%zu bytes): the largest part, %zu bytes, is %zu key(s) in "
		"%zu open "
		"window(s); fewer keys, shorter windows, or a watermark that closes them earlier "
		"take less",
		bytes, own, keys, windows);
}

void windower_check_memory(const struct windower *w)
{
	size_t bytes =
		w->kind->bytes(w) + aggregates_heap_bytes(w->aggregates) + (size_t)w->issued_bytes;

	if (bytes > w->memory_bytes)
		die_full(w, bytes);
	if (w->max_keys && w->kind->keys(w) > w->max_keys)
		die(EX_TEMPFAIL,
			"--max-keys is used up: %zu keys in %zu open window(s); a watermark that "
			"closes them "
			"earlier, or shorter windows, hold fewer",
			w->kind->keys(w), w->kind->count(w));
}
