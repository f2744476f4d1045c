#include "tool/resuming.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"
#include "flow/inputset.h"
#include "tool/filter.h"
#include "tool/findings.h"
#include "tool/generations.h"
#include "tool/inputs.h"

static void read_entry(struct inputs *in, const json_t *entry)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	struct source_file *s;

	if (!name)
		die(EX_IOERR, "the source's record names an input without a name");
	s = inputs_add(in, name);
	if (!source_file_read(s, entry))
		die(EX_CONFIG,
			"the header of '%s' in the record is none for these options: give "
			"--format and --columns as before",
			name);
	s->is_away = true;
	s->is_seekable = s->is_known;
}

/* The operand that the name belongs to; the count if it is none's. */
static size_t operand_of(const struct inputs *in, const char *name)
{
	size_t i = 0;

	while (i < in->operand_count && strcmp(in->operands[i], name) != 0 &&
		!(operand_is_pattern(in->operands[i]) &&
			fnmatch(in->operands[i], name, FNM_PATHNAME | FNM_PERIOD) == 0))
		i++;
	return i;
}

/* Where each file of the record is now. */
struct whereabouts {
	bool is_given;
	bool is_found;
	bool is_changed;
	bool is_unread;
};

static uint64_t file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static struct whereabouts find_stdin(
	const struct inputs *in, struct source_file *s, const struct findings *f)
{
	struct whereabouts w = {.is_given = operand_of(in, "-") < in->operand_count};
	struct stat st;

	w.is_unread = s->is_known ? s->feed.offset < s->size : s->piece != NULL;
	s->operand = operand_of(in, "-");
	if (s->is_known && w.is_given && fstat(STDIN_FILENO, &st) == 0) {
		w.is_found = source_file_is(s, "/dev/stdin", &st);
		w.is_given = w.is_found;
		w.is_changed = (uint64_t)st.st_size != s->size;
	}
	for (size_t i = 0; w.is_found && i < f->count; i++)
		if (operand_is_stdin(f->list[i].path))
			f->list[i].is = s;
	return w;
}

static struct whereabouts find_file(
	const struct inputs *in, struct source_file *s, const struct findings *f)
{
	struct whereabouts w = {.is_given = true};
	uint64_t size = s->size;

	if (s->is_stdin)
		return find_stdin(in, s, f);
	s->operand = operand_of(in, s->name);
	for (size_t i = 0; i < f->count && !w.is_found && !s->piece; i++) {
		struct finding *is = &f->list[i];

		if (is->is || operand_is_stdin(is->path) || !source_file_is(s, is->path, &is->st))
			continue;
		is->is = s;
		w.is_found = true;
		s->operand = is->operand;
		s->size = (uint64_t)is->st.st_size;
		s->id.dev = is->st.st_dev;
		source_file_move(s, is->path);
		s->is_away = strcmp(s->path, s->name) != 0;
	}
	w.is_given = s->operand < in->operand_count;
	w.is_found =
		w.is_found || ((!s->is_done || s->is_past) && !s->piece && generations_find(s));
	w.is_changed = !w.is_found || s->size != size;
	w.is_unread = !s->is_done && (s->is_packed || s->feed.offset < s->size);
	return w;
}

/*
 * What a copy, a restored backup or another machine make of a file: another inode under the name,
 * with what was read in it.
 */
static bool adopt(struct source_file *s, struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		struct finding *is = &f->list[i];

		if (is->is || strcmp(is->path, s->name) != 0 ||
			!source_file_is_copy(s, is->path, &is->st))
			continue;
		is->is = s;
		s->id.dev = is->st.st_dev;
		s->id.ino = is->st.st_ino;
		s->is_away = false;
		s->operand = is->operand;
		warn("'%s' is another file than the one that was read, with the same bytes in it: "
		     "reading goes on behind byte %" PRIu64,
			s->name, s->feed.offset);
		return true;
	}
	return false;
}

static void adopt_all(struct inputs *in, struct whereabouts *w, struct findings *f)
{
	for (size_t i = 0; i < in->count; i++) {
		struct source_file *s = in->files[i];

		if (w[i].is_found || s->is_past || s->piece || s->is_stdin || !adopt(s, f))
			continue;
		w[i] = (struct whereabouts){
			.is_given = true,
			.is_found = true,
			.is_changed = file_size(s->path) != s->size,
			.is_unread = !s->is_done && file_size(s->path) > s->feed.offset,
		};
		s->size = file_size(s->path);
	}
}

/* A file of a pattern, a spool directory's, may be deleted when it was read. */
static bool may_be_gone(const struct source_file *s)
{
	struct stat st;

	return s->is_done || (s->is_from_glob && s->feed.offset == s->size &&
				     lstat(s->name, &st) != 0 && !generations_are_left(s->name));
}

static bool is_name_known(const struct inputs *in, const char *name)
{
	for (size_t i = 0; i < in->count; i++)
		if (strcmp(in->files[i]->name, name) == 0)
			return true;
	return false;
}

static enum set_answer judge(const struct inputs *in, const struct whereabouts *w,
	const struct findings *f, bool was_complete)
{
	size_t count = 0, known = in->count, which = 0, *of = mem_zero(known + 1, sizeof(*of));
	struct set_member *members = mem_zero(known + f->count + 1, sizeof(*members));
	bool is_growing = in->rules->way != INPUTS_COMPLETE;
	enum set_answer answer;

	for (size_t i = 0; i < known; i++) {
		if (was_complete && in->files[i]->is_stdin && !in->files[i]->is_known)
			continue; /* a pipe is another one each time */
		if (in->files[i]->is_past)
			continue; /* it is read, and its name is another's */
		of[count] = i;
		members[count++] =
			(struct set_member){true, w[i].is_given, w[i].is_changed, w[i].is_unread};
	}
	known = count;
	for (size_t i = 0; i < f->count; i++)
		if (!f->list[i].is && !operand_is_stdin(f->list[i].path) &&
			!(was_complete && is_name_known(in, f->list[i].path)))
			members[count++] = (struct set_member){.is_given = true};
	answer = inputset_judge(members, count, was_complete, is_growing, &which);
	if (answer == SET_CHANGED)
		die(EX_CONFIG,
			"'%s' has changed since it was read to its end and completed: inputs that "
			"grow are read with --once or --follow",
			in->files[of[which]]->name);
	if (answer == SET_OVERLAPS)
		die(EX_CONFIG,
			"these inputs overlap with those that were completed without being the "
			"same (%s): new files are read with --once, or with a checkpoint directory "
			"of their own",
			which < known ? in->files[of[which]]->name : "there are more now");
	if (answer == SET_FORGETS)
		die(EX_CONFIG,
			"'%s' has bytes that were not read, and is not among the inputs any more: "
			"name it as well",
			in->files[of[which]]->name);
	free(of);
	free(members);
	return answer;
}

/* All of the record; what was only in a log is new. */
static void drop_known(struct inputs *in)
{
	for (size_t i = in->count; i-- > 0;)
		if (!in->files[i]->is_old_piece || in->files[i]->log_number)
			inputs_remove(in, i);
}

/* Those that nobody asks for any more, or that are read and gone. */
static void drop_gone(struct inputs *in, const struct whereabouts *w)
{
	for (size_t i = in->count; i-- > 0;) {
		struct source_file *s = in->files[i];
		bool is_there = w[i].is_given && (w[i].is_found || s->piece);

		if (w[i].is_given && !is_there && !may_be_gone(s))
			generations_die_gone(s);
		if (!is_there)
			inputs_remove(in, i);
	}
}

static void go_on(struct inputs *in, struct findings *f, bool was_complete)
{
	struct whereabouts *w = mem_zero(in->count + 1, sizeof(*w));
	enum set_answer answer;

	for (size_t i = 0; i < in->count; i++)
		w[i] = find_file(in, in->files[i], f);
	adopt_all(in, w, f);
	answer = judge(in, w, f, was_complete);
	if (answer == SET_IS_NEW)
		drop_known(in);
	else if (answer != SET_IS_DONE)
		drop_gone(in, w);
	if (answer == SET_GOES_NEW)
		for (size_t i = 0; i < in->count; i++)
			in->files[i]->is_done = false;
	if (answer == SET_IS_NEW || answer == SET_GOES_NEW)
		filter_begin_new(in->filter);
	in->was_complete = answer == SET_IS_DONE;
	free(w);
}

/* The log of earlier runs */

static struct source_file *entry_of(const struct inputs *in, const struct piece *p)
{
	for (size_t i = 0; i < in->count; i++)
		for (size_t k = 0; k < p->count; k++)
			if (in->files[i]->log_number == p->parts[k].number)
				return in->files[i];
	return NULL;
}

/* What was in the log behind the last record is read as well. */
static void add_pieces(struct inputs *in, const json_t *record, const json_t *files)
{
	uint64_t since = (uint64_t)json_integer_value(json_object_get(record, "next_log"));
	size_t count;
	struct piece *pieces;

	sourcelog_init(&in->log, in->checkpoint, since);
	pieces = sourcelog_find(&in->log, in->log.next_number, files, &count);
	for (size_t i = 0; i < count; i++) {
		struct source_file *s = entry_of(in, &pieces[i]);

		if (!s) {
			s = inputs_add(in, pieces[i].origin.input);
			s->feed.offset = pieces[i].parts[0].from;
			s->feed.number = pieces[i].origin.line;
			s->id.dev = pieces[i].origin.dev;
			s->id.ino = pieces[i].origin.ino;
		}
		s->is_seekable = s->id.ino != 0;
		s->is_old_piece = true;
		s->is_away = true;
		s->piece = mem_copy(&pieces[i], sizeof(pieces[i]));
	}
	free(pieces);
}

/* The file that an old piece is of, from where the log ends. */
static void add_continuation(struct inputs *in, struct source_file *s, struct findings *f)
{
	struct source_file *next;
	struct finding is = {.operand = s->operand};

	for (size_t i = 0; i < f->count; i++)
		if (!f->list[i].is && !operand_is_stdin(f->list[i].path) &&
			source_file_is(s, f->list[i].path, &f->list[i].st)) {
			is = f->list[i];
			f->list[i].is = s;
		}
	if (!is.path && generations_find(s) && stat(s->path, &is.st) == 0)
		is.path = s->path;
	if (!is.path || (uint64_t)is.st.st_size < piece_end(s->piece))
		return;
	next = inputs_add_found(in, &is, s->name);
	next->is_from_glob = s->is_from_glob;
	next->is_known = s->is_known;
	next->id = s->id;
	next->continues = s;
}

/* Of each file the last piece says how far its log goes. */
static void add_continuations(struct inputs *in, struct findings *f)
{
	for (size_t i = 0, count = in->count; i < count; i++) {
		const struct source_file *s = in->files[i];
		bool is_last = s->is_old_piece && s->is_seekable && !s->is_stdin;

		for (size_t k = i + 1; k < count && is_last; k++)
			is_last = !in->files[k]->is_old_piece ||
				  in->files[k]->id.ino != s->id.ino ||
				  in->files[k]->id.dev != s->id.dev;
		if (is_last)
			add_continuation(in, in->files[i], f);
	}
}

void resuming_start(struct inputs *in, const struct snapshot *from, struct findings *f)
{
	const json_t *record = from ? from->state : NULL;
	json_t *entry;
	size_t i;

	json_array_foreach (json_object_get(record, "inputs"), i, entry)
		read_entry(in, entry);
	if (in->checkpoint)
		add_pieces(in, record, from ? from->files : NULL);
	if (in->count)
		go_on(in, f, json_is_true(json_object_get(record, "complete")));
	add_continuations(in, f);
}
