#include "tool/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/hash.h"
#include "base/mem.h"
#include "tool/filter.h"
#include "tool/findings.h"
#include "tool/generations.h"
#include "tool/resuming.h"

void inputs_init(struct inputs *in, struct filter *f, const struct inputs_rules *rules,
	char **operands, int count)
{
	static char dash[] = "-";
	static char *only_stdin[] = {dash};
	bool has_stdin = false;

	*in = (struct inputs){
		.filter = f, .rules = rules, .operands = operands, .operand_count = (size_t)count};
	if (!count) {
		in->operands = only_stdin;
		in->operand_count = 1;
	}
	for (size_t i = 0; i < in->operand_count; i++) {
		if (operand_is_stdin(in->operands[i]) && has_stdin)
			die(EX_USAGE, "'-' is given twice: the standard input can be read once");
		has_stdin = has_stdin || operand_is_stdin(in->operands[i]);
	}
}

void inputs_release(struct inputs *in)
{
	for (size_t i = 0; i < in->count; i++)
		source_file_free(in->files[i]);
	free(in->files);
}

/* The files */

struct source_file *inputs_add(struct inputs *in, const char *name)
{
	struct feed_format format = in->rules->format(name);
	struct source_file *s = source_file_new(in->filter, mem_string(name), &format);

	if (in->count == in->cap) {
		in->cap = in->cap ? 2 * in->cap : 16;
		in->files = mem_resize(in->files, in->cap * sizeof(struct source_file *));
	}
	s->sequence = in->next_sequence++;
	s->is_logged = in->rules->logs_files;
	s->ends_lines = in->rules->way == INPUTS_COMPLETE;
	in->files[in->count++] = s;
	return s;
}

struct source_file *inputs_add_found(struct inputs *in, const struct finding *f, const char *name)
{
	struct source_file *s = inputs_add(in, name);

	source_file_move(s, f->path);
	s->is_away = strcmp(name, f->path) != 0;
	s->operand = f->operand;
	s->is_from_glob = f->is_from_glob;
	s->id.dev = f->st.st_dev;
	s->id.ino = f->st.st_ino;
	s->is_seekable = S_ISREG(f->st.st_mode);
	s->size = s->is_seekable ? (uint64_t)f->st.st_size : 0;
	/* nothing of what is in it, so that it is found again before it was ever opened */
	s->is_known = s->is_seekable;
	s->id.head_hash = s->tail.hash = hash_bytes("", 0);
	return s;
}

void inputs_remove(struct inputs *in, size_t i)
{
	source_file_free(in->files[i]);
	in->count--;
	memmove(in->files + i, in->files + i + 1, (in->count - i) * sizeof(struct source_file *));
}

/* Without a checkpoint an input may be given twice, and is read twice. */
static bool may_come_twice(const struct inputs *in)
{
	return in->rules->way == INPUTS_COMPLETE && !in->checkpoint;
}

struct source_file *inputs_known_as(const struct inputs *in, const struct finding *f)
{
	if (operand_is_stdin(f->path) || may_come_twice(in))
		return NULL;
	for (size_t i = 0; i < in->count; i++)
		if (!in->files[i]->is_stdin && !in->files[i]->is_old_piece &&
			source_file_is(in->files[i], f->path, &f->st))
			return in->files[i];
	return NULL;
}

/* In the order of the operands, of the names of a pattern, and of time. */
static int reading_order(const void *a, const void *b)
{
	const struct source_file *x = *(struct source_file *const *)a;
	const struct source_file *y = *(struct source_file *const *)b;
	int order;

	if (x->operand != y->operand)
		return x->operand < y->operand ? -1 : 1;
	order = strcmp(x->name, y->name);
	if (order)
		return order;
	return x->sequence < y->sequence ? -1 : 1;
}

static void put_in_order(struct inputs *in)
{
	if (in->count)
		qsort(in->files, in->count, sizeof(struct source_file *), reading_order);
	for (size_t i = 0; i < in->count; i++)
		in->files[i]->sequence = i;
	in->next_sequence = in->count;
}

/* What is there */

/* A typing error in the third name must not be found when two inputs have been sent. */
static void see_that_it_is_there(const struct inputs *in, size_t operand, const struct findings *f)
{
	const char *name = in->operands[operand];
	struct stat st;

	for (size_t i = 0; i < f->count; i++) {
		if (f->list[i].operand != operand)
			continue;
		if (!operand_is_stdin(name) && access(f->list[i].path, R_OK) != 0 &&
			(errno != ENOENT || in->rules->way == INPUTS_COMPLETE))
			die_errno(EX_IOERR, "cannot open '%s'", f->list[i].path);
		if (!operand_is_stdin(name) && S_ISDIR(f->list[i].st.st_mode))
			die(EX_IOERR, "'%s' is a directory", name);
		return;
	}
	for (size_t i = 0; i < in->count; i++)
		if (in->files[i]->operand == operand)
			return; /* between two steps of a rotation */
	if (!operand_is_pattern(name) && stat(name, &st) != 0) {
		if (errno != ENOENT || in->rules->way != INPUTS_FOLLOW)
			die_errno(EX_IOERR, "cannot open '%s'", name);
		warn("'%s' is not there: waiting for it", name);
	}
	if (in->rules->way == INPUTS_COMPLETE)
		die(EX_IOERR, "no file matches '%s'", name);
}

static void add_new(struct inputs *in, const struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *is = &f->list[i];

		if (is->is || inputs_known_as(in, is))
			continue;
		if (!is->is_from_glob && !operand_is_stdin(is->path) && !may_come_twice(in))
			generations_add_between(in, is->path);
		inputs_add_found(in, is, is->path);
	}
}

void inputs_start(struct inputs *in, const struct snapshot *from)
{
	struct findings f = findings_expand(in->operands, in->operand_count);

	in->checkpoint = filter_checkpoint(in->filter);
	resuming_start(in, from, &f);
	if (!in->was_complete)
		add_new(in, &f);
	for (size_t i = 0; i < in->operand_count; i++)
		see_that_it_is_there(in, i, &f);
	put_in_order(in);
	findings_release(&f);
}

/* While it is read */

static bool is_forgotten(const struct source_file *s, bool is_there)
{
	return s->is_done && !is_there && !s->is_open && !s->is_past;
}

void inputs_look(struct inputs *in)
{
	struct findings f = findings_expand(in->operands, in->operand_count);
	bool *is_there;

	for (size_t i = 0; i < in->count; i++)
		in->files[i]->is_away = !in->files[i]->is_stdin;
	for (size_t i = 0; i < f.count; i++) {
		struct source_file *s = f.list[i].is = inputs_known_as(in, &f.list[i]);

		if (!s)
			continue;
		source_file_move(s, f.list[i].path);
		s->is_away = s->is_away && strcmp(s->path, s->name) != 0;
	}
	is_there = mem_zero(in->count + 1, sizeof(*is_there));
	for (size_t i = 0; i < in->count; i++)
		for (size_t k = 0; k < f.count; k++)
			is_there[i] = is_there[i] || f.list[k].is == in->files[i];
	for (size_t i = in->count; i-- > 0;)
		if (is_forgotten(in->files[i], is_there[i]))
			inputs_remove(in, i);
	add_new(in, &f);
	free(is_there);
	findings_release(&f);
}

static bool wants_log(const struct inputs *in, const struct source_file *s)
{
	struct stat st;

	if (!in->checkpoint)
		return false;
	if (s->is_logged && !s->is_stdin)
		return true;
	if (s->is_stdin ? fstat(STDIN_FILENO, &st) != 0 : stat(s->path, &st) != 0)
		return false; /* opening it says what is wrong */
	if (S_ISREG(st.st_mode) && !s->is_logged)
		return false;
	if (in->rules->logs_none)
		die(EX_CONFIG,
			"'%s' can't be read a second time, so under a checkpoint it goes through "
			"the source's own log, which --no-source-log forbids",
			s->name);
	return true;
}

void inputs_open(struct inputs *in, struct source_file *s)
{
	struct sourcelog *log = s->piece || wants_log(in, s) ? &in->log : NULL;

	while (!source_file_open(s, log)) {
		s->is_away = true;
		if (!s->is_known)
			die_errno(EX_IOERR, "cannot open '%s'", s->path);
		if (!generations_find(s))
			generations_die_gone(s);
	}
}

bool inputs_is_blocked(const struct inputs *in, const struct source_file *s)
{
	for (size_t i = 0; i < in->count && in->files[i] != s; i++)
		if (!in->files[i]->is_done && strcmp(in->files[i]->name, s->name) == 0)
			return true;
	return false;
}

/* The one that has its name now is looked at first: if there is something in it, the writer has
 * gone over, and what it wrote before that is in the old one. */
bool inputs_is_past(struct inputs *in, struct source_file *s)
{
	if (s->is_old_piece)
		return !source_file_is_ready(s);
	if (!s->is_seekable || s->is_stdin || s->is_packed)
		return s->is_at_end;
	return (s->is_away || s->is_cut) && generations_have_gone_on(in, s) &&
	       !source_file_is_ready(s);
}

void inputs_finish(struct inputs *in, struct source_file *s)
{
	s->is_done = true;
	s->is_past = s->is_away && s->is_seekable && !s->is_from_glob && !s->piece;
	source_file_close(s);
	for (size_t i = 0; i < in->count; i++) {
		struct source_file *next = in->files[i];

		if (next->continues != s)
			continue;
		next->continues = NULL;
		next->feed.offset = s->feed.offset;
		next->feed.number = s->feed.number;
		if (s->feed.header.len)
			feed_set_header(&next->feed, s->feed.header.data, s->feed.header.len);
	}
}

static void dir_of(const char *path, struct buf *dir)
{
	const char *slash = strrchr(path, '/');

	buf_clear(dir);
	if (!slash)
		buf_char(dir, '.');
	else
		buf_add(dir, path, slash == path ? 1 : (size_t)(slash - path));
}

void inputs_each_dir(
	const struct inputs *in, void (*watch)(void *context, const char *dir), void *context)
{
	struct buf dir;

	buf_init(&dir);
	for (size_t i = 0; i < in->operand_count; i++) {
		if (operand_is_stdin(in->operands[i]))
			continue;
		dir_of(in->operands[i], &dir);
		watch(context, buf_string(&dir));
	}
	for (size_t i = 0; i < in->count; i++) {
		if (in->files[i]->is_stdin)
			continue;
		dir_of(in->files[i]->path, &dir);
		watch(context, buf_string(&dir));
	}
	buf_release(&dir);
}

bool inputs_has_names(const struct inputs *in)
{
	for (size_t i = 0; i < in->operand_count; i++)
		if (!operand_is_stdin(in->operands[i]))
			return true;
	return false;
}

/* A pipe that is read is no more; neither is what was deleted. */
static bool is_worth_recording(const struct inputs *in, const struct source_file *s)
{
	if (s->continues || (s->is_done && s->is_old_piece))
		return false;
	return !s->is_done || s->is_seekable || in->rules->way == INPUTS_COMPLETE;
}

void inputs_record(struct inputs *in, bool is_complete, struct snapshot *to)
{
	json_t *inputs = json_array();

	for (size_t i = 0; i < in->count; i++)
		if (is_worth_recording(in, in->files[i]))
			json_array_append_new(inputs, source_file_json(in->files[i], to->files));
	json_object_set_new(to->state, "complete", json_boolean(is_complete));
	json_object_set_new(to->state, "inputs", inputs);
	json_object_set_new(to->state, "next_log", json_integer((json_int_t)in->log.next_number));
}
