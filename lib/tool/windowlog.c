#include "tool/windowlog.h"

#include "tool/windower.h"

enum {
	ROUND_BYTES_MIN = 1 << 20, /* a smaller log is not worth it */
	SLICE_BYTES_MIN = 256 << 10,
	SLICE_TO_GROWN = 2,
	STEPS_PER_ENTRY = 4,
	OF_LATE = 1 << 20, /* entries */
	CHANGED_MAX = 1 << 15,
	WRITTEN_AHEAD = 64,
	GROWN_MAX = 16 << 10,
};

void windowlog_init(struct windowlog *j, const char *dir, uint64_t run)
{
	*j = (struct windowlog){.in_round = false};
	changelog_init(&j->log, dir, "state", run);
	buf_init(&j->key);
	buf_init(&j->value);
}

void windowlog_release(struct windowlog *j)
{
	changelog_release(&j->log);
	buf_release(&j->key);
	buf_release(&j->value);
}

void windowlog_begin(struct windowlog *j, char what)
{
	buf_clear(&j->key);
	buf_clear(&j->value);
	buf_char(&j->key, what);
}

static void note_entry(struct windowlog *j, uint64_t bytes)
{
	j->entries++;
	j->entry_bytes += bytes;
	if (j->entries == OF_LATE) {
		j->entries /= 2;
		j->entry_bytes /= 2;
	}
}

void windowlog_put(struct windowlog *j)
{
	uint64_t bytes = j->key.len + j->value.len + 2;

	changelog_put(&j->log, j->key.data, j->key.len, j->value.data, j->value.len);
	note_entry(j, bytes);
	j->grown_bytes += bytes;
	j->bytes_left -= bytes < j->bytes_left ? bytes : j->bytes_left;
}

void windowlog_delete(struct windowlog *j)
{
	changelog_delete(&j->log, j->key.data, j->key.len);
	j->grown_bytes += j->key.len + 1;
}

static uint64_t average_bytes(const struct windowlog *j)
{
	return j->entries ? j->entry_bytes / j->entries + 1 : 1;
}

static bool is_too_long(const struct windower *w)
{
	const struct windowlog *j = w->log;
	uint64_t alive = w->kind->entries(w) * average_bytes(j);

	return changelog_bytes(&j->log) > alive + alive / 2 + ROUND_BYTES_MIN;
}

/* For each byte that has come since the last slice so many, and some more at a barrier. */
static void write_slice(struct windower *w, uint64_t more_bytes)
{
	struct windowlog *j = w->log;

	j->bytes_left = SLICE_TO_GROWN * j->grown_bytes + more_bytes;
	j->steps_left = (size_t)(STEPS_PER_ENTRY * (j->bytes_left / average_bytes(j) + 1));
	if (w->kind->write_behind(w)) {
		changelog_drop_before(&j->log, j->round_from);
		j->in_round = false;
	}
	j->grown_bytes = 0;
}

/* Behind a barrier, so that what is written ahead of the next one is of the round as well. */
static void begin_round(struct windower *w)
{
	struct windowlog *j = w->log;

	j->grown_bytes = 0;
	if (j->in_round || !is_too_long(w))
		return;
	j->in_round = true;
	j->round_from = changelog_roll(&j->log);
	w->kind->begin_round(w);
}

void windowlog_seal(struct windower *w, struct snapshot *to)
{
	struct windowlog *j = w->log;
	json_t *files;

	w->kind->write_changed(w, SIZE_MAX);
	if (j->in_round)
		write_slice(w, SLICE_BYTES_MIN);
	changelog_sync(&j->log);
	files = changelog_files(&j->log);
	json_array_extend(to->files, files);
	json_decref(files);
	begin_round(w);
}

void windowlog_run_ahead(struct windower *w)
{
	struct windowlog *j = w->log;

	if (w->kind->changed(w) > CHANGED_MAX)
		w->kind->write_changed(w, WRITTEN_AHEAD);
	if (j->in_round && j->grown_bytes > GROWN_MAX)
		write_slice(w, 0);
}

void windowlog_empty(struct windowlog *j)
{
	changelog_drop_before(&j->log, changelog_roll(&j->log));
}

static const char *take(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	struct windower *w = context;

	if (!key_len)
		return "no entry of a window";
	note_entry(w->log, key_len + value_len + 2);
	return w->kind->take_entry(
		w, &(struct windowlog_entry){*key, key + 1, key_len - 1, value, value_len});
}

void windowlog_restore(struct windower *w, const struct snapshot *from)
{
	changelog_restore(&w->log->log, from->files, take, w);
	w->kind->restored(w);
	w->log->grown_bytes = 0;
}
