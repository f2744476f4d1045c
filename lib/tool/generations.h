/*
 * The generations of a name: the files that had it, one after the other, before rotations gave them
 * others. Nothing is kept here: they are found in the directory of the name, and are files of the
 * inputs, which own them.
 */
#ifndef GENERATIONS_H
#define GENERATIONS_H

#include <stdbool.h>

struct inputs;
struct source_file;

/* A file that was given another name is looked for in its directory; found, it stands there. */
bool generations_find(struct source_file *s);

/* Whether rotation or compression left anything of the name. */
bool generations_are_left(const char *name);

/* Dies with EX_IOERR: what was not read of it is nowhere. */
void generations_die_gone(const struct source_file *s) __attribute__((noreturn));

/* Another file has the name now: adds those that had it between that one and the last known, oldest
 * first, and removes those that are read and not there any more. */
void generations_add_between(struct inputs *in, const char *name);

/* Whether the writer has gone over from s to a later file of its name, and written to that. */
bool generations_have_gone_on(const struct inputs *in, const struct source_file *s);

#endif
