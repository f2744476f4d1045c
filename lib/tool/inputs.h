/*
 * The inputs of a source: which files they are now, in which order they are read, and what the
 * record says of them. What stands under the operands (tool/findings) is looked at again and again
 * where files are followed; the file that a rotation took a name from (tool/generations) is read to
 * its end before the one that has the name now. The files are owned here, until they are forgotten
 * or the inputs are released.
 */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/snapshot.h"
#include "tool/sourcefile.h"

struct finding;

enum inputs_way {
	INPUTS_COMPLETE, /* each to its end, which is the end */
	INPUTS_ONCE,     /* what is there now */
	INPUTS_FOLLOW,   /* also what will come */
};

struct inputs_rules {
	enum inputs_way way;
	bool logs_files; /* --source-log */
	bool logs_none;  /* --no-source-log */
	struct feed_format (*format)(const char *name);
};

struct inputs {
	struct filter *filter;
	const struct inputs_rules *rules; /* borrowed, as are the operands */
	char **operands;
	size_t operand_count;
	struct source_file **files; /* in the order in which they are read */
	size_t count;
	size_t cap;
	uint64_t next_sequence;
	const struct checkpoint *checkpoint; /* NULL: none */
	struct sourcelog log;
	bool was_complete; /* and nothing has changed: there is nothing to read */
};

/* No operands: stdin. Dies with EX_USAGE if '-' is given twice. */
void inputs_init(struct inputs *in, struct filter *f, const struct inputs_rules *rules,
	char **operands, int count);
void inputs_release(struct inputs *in);

/* Finds the files, and goes on from the record if there is one. Dies with EX_IOERR where an input
 * is not there any more, EX_CONFIG where these inputs don't fit the record. */
void inputs_start(struct inputs *in, const struct snapshot *from);

/* The next four are for tool/resuming and tool/generations. Adds a file behind all others; the name
 * is copied. */
struct source_file *inputs_add(struct inputs *in, const char *name);

/* Adds what was found, which has or had the name. */
struct source_file *inputs_add_found(struct inputs *in, const struct finding *f, const char *name);

/* Frees the file at place i; those behind it move up. */
void inputs_remove(struct inputs *in, size_t i);

/* The file that was found, if it is among the inputs; NULL: none, or it is to be read again. */
struct source_file *inputs_known_as(const struct inputs *in, const struct finding *f);

/* Looks for new files, and for those that were given another name. */
void inputs_look(struct inputs *in);

/* Opens a file for reading where it was left. */
void inputs_open(struct inputs *in, struct source_file *s);

/* Whether another file that had the same name is to be read before this one. */
bool inputs_is_blocked(const struct inputs *in, const struct source_file *s);

/* s was read to its end for now. Whether it is certain that nothing comes any more: another file
 * has its name, and there is something in that one. */
bool inputs_is_past(struct inputs *in, struct source_file *s);

/* Nothing comes any more: what begins where it ended knows where that is. */
void inputs_finish(struct inputs *in, struct source_file *s);

/* The directories to watch, each once; calls watch for each. */
void inputs_each_dir(
	const struct inputs *in, void (*watch)(void *context, const char *dir), void *context);

/* Whether there are others than the standard input. */
bool inputs_has_names(const struct inputs *in);

/* What the record says of all. */
void inputs_record(struct inputs *in, bool is_complete, struct snapshot *to);

#endif
