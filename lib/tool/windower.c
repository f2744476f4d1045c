#include "tool/windower.h"

#include <assert.h>

#include "base/die.h"
#include "state/member.h"

/* Memory */

/* On disk the other half is the map's. */
enum { SHARE_ON_DISK = 2, SHARE_LEAST = 8 };

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
	size_t own = windower_open_bytes(w);
	unsigned long long windows = w->kind->count(w), keys = w->kind->keys(w);

	if (w->disk)
		die(EX_TEMPFAIL,
			"--memory is used up (%zu bytes) though what can be is on disk: %llu "
			"key(s) in %llu open window(s); fewer or longer windows take less",
			bytes, keys, windows);
	if (most->heap_bytes > own)
		die(EX_TEMPFAIL,
			"--memory is used up (%zu bytes): the largest part, %zu bytes, is what "
			"'%s' keeps for "
			"%llu key(s) in %llu open window(s)",
			bytes, most->heap_bytes, most->name, keys, windows);
	die(EX_TEMPFAIL,
		"--memory is used up (%zu bytes): the largest part, %zu bytes, is %llu key(s) in "
		"%llu open "
		"window(s); fewer keys, shorter windows, or a watermark that closes them earlier "
		"take less; --state rocksdb keeps them on disk",
		bytes, own, keys, windows);
}

/* Where much can't go to disk there is still some room for what can. */
static bool has_room(const struct windower *w)
{
	size_t held = windower_bytes(w);

	if (!w->disk)
		return held <= w->memory_bytes;
	return held <= w->memory_bytes / SHARE_ON_DISK ||
	       held <= w->floor_bytes + w->memory_bytes / SHARE_LEAST;
}

bool windower_has_room(const struct windower *w)
{
	return has_room(w);
}

static void leave_memory(struct windower *w)
{
	if (w->kind->spilled)
		w->kind->spilled(w);
	w->floor_bytes = windower_bytes(w);
	if (w->floor_bytes > w->memory_bytes - w->memory_bytes / SHARE_LEAST)
		die_full(w, w->floor_bytes);
}

bool windower_make_room(struct windower *w)
{
	if (!w->disk || has_room(w))
		return false;
	store_spill(&w->store);
	leave_memory(w);
	return true;
}

struct table_entry *windower_scan_next(struct windower *w, struct store_scan *c)
{
	if (w->disk && !has_room(w)) {
		store_scan_spill(c);
		leave_memory(w);
	}
	return store_scan_next(c);
}

void windower_check_memory_any(struct windower *w)
{
	if (w->disk)
		windower_make_room(w);
	else if (!has_room(w))
		die_full(w, windower_bytes(w));
	if (w->max_keys && w->kind->keys(w) > w->max_keys)
		die(EX_TEMPFAIL,
			"--max-keys is used up: %llu keys in %llu open window(s); a watermark that "
			"closes them "
			"earlier, or shorter windows, hold fewer",
			(unsigned long long)w->kind->keys(w),
			(unsigned long long)w->kind->count(w));
}

/* States */

void windower_clear(struct windower *w, void *state)
{
	struct issued *was = results_issued(w->results, state);

	aggregates_clear(w->aggregates, state);
	if (was)
		w->issued_bytes -= (int64_t)issued_release(was);
}

void windower_pack(const struct windower *w, const void *state, struct buf *to)
{
	const struct issued *was = results_issued(w->results, (void *)(size_t)state);

	if (was)
		issued_pack(was, to);
	aggregates_pack(w->aggregates, state, to);
}

const char *windower_unpack(struct windower *w, void *state, const char *at, const char *end)
{
	struct issued *was = results_issued(w->results, state);

	if (was && !issued_unpack(was, &at, end))
		return "what was said of a window is not as it should be";
	if (was && was->row)
		w->issued_bytes += was->row_len;
	if (!aggregates_unpack(w->aggregates, state, at, (size_t)(end - at)))
		return "the aggregates of a window are not as they should be";
	return NULL;
}

/* The store */

void windower_holds(struct windower *w, struct store_kind kind)
{
	assert(w->kind_count < STORE_KINDS_MAX);
	w->kinds[w->kind_count++] = kind;
}

void windower_counts(struct windower *w, const size_t *bytes)
{
	assert(w->own_count < WINDOWER_OWN);
	w->own_bytes[w->own_count++] = bytes;
}

/* Which sums were said to be inexact, as bits. */
static uint64_t inexact_of(const struct aggregates *a)
{
	uint64_t told = 0;

	for (size_t i = 0; i < a->count; i++)
		told |= (uint64_t)a->list[i].is_inexact << i;
	return told;
}

static void restore_inexact(struct aggregates *a, uint64_t told)
{
	for (size_t i = 0; i < a->count; i++)
		a->list[i].is_inexact = a->list[i].is_told = told >> i & 1;
}

static void restore(struct windower *w, const struct snapshot *from)
{
	w->watermark_ns = member_get(from->state, "watermark");
	w->over_ns = member_get(from->state, "over");
	w->aggregates->sequence = (uint64_t)member_get(from->state, "sequence");
	restore_inexact(w->aggregates, (uint64_t)member_get(from->state, "inexact"));
	if (w->kind->restore)
		w->kind->restore(w, from->state);
	store_restore(&w->store, from);
}

void windower_open(
	struct windower *w, const char *stage_dir, uint64_t run, const struct snapshot *from)
{
	if (w->is_on_disk)
		w->disk = disk_open(
			stage_dir, run, w->memory_bytes - w->memory_bytes / SHARE_ON_DISK);
	store_init(&w->store, w->kinds, w->kind_count, w->disk);
	if (stage_dir)
		store_keep(&w->store, stage_dir, run);
	if (from)
		restore(w, from);
	w->is_open = true;
	w->kind->opened(w);
}

void windower_release(struct windower *w)
{
	if (w->is_open)
		store_release(&w->store);
	if (w->disk)
		disk_close(w->disk);
	w->disk = NULL;
	w->is_open = false;
	w->kind->release(w);
}

static int64_t over_ns(const struct windower *w)
{
	int64_t until_ns = time_minus(w->watermark_ns, w->lateness_ns);

	return w->watermark_ns != INT64_MIN && until_ns > w->over_ns ? until_ns : w->over_ns;
}

void windower_snapshot(struct windower *w, struct snapshot *to)
{
	store_snapshot(&w->store, to);
	member_put(to->state, "watermark", w->watermark_ns);
	member_put(to->state, "over", over_ns(w));
	member_put(to->state, "sequence", (int64_t)w->aggregates->sequence);
	member_put(to->state, "inexact", (int64_t)inexact_of(w->aggregates));
	if (w->kind->snapshot)
		w->kind->snapshot(w, to->state);
}
