/*
 * A checkpoint directory (state/checkpoint.h) looked at from outside, by a process that is none of
 * its pipeline: nothing is changed, synced or waited for, and damage is told, not died of.
 */
#ifndef SURVEY_H
#define SURVEY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state/checkpoint.h"

/* The names in a directory but for . and .., in the order of their bytes. */
struct names {
	char **list;
	size_t count;
};

/* False, with errno and no names, if it can't be read. */
bool names_read(struct names *n, const char *dir);
void names_release(struct names *n);

/* Whether a process holds the lock; false also where there is no such file. */
bool lock_is_held(const char *path);

/* Reads DIR/incarnation: 32 hexadecimal digits. NULL, or a static reason. */
const char *survey_incarnation(const char *dir, char text[INCARNATION_DIGITS + 1]);

/* Reads DIR/NAME: gives a new reference. NULL, with *why where it is there and damaged. */
json_t *survey_document(const char *dir, const char *name, const char **why);

/* A time as the documents have it, in nanoseconds since 1970 but whole seconds; false if it is
 * none. */
bool survey_time(const json_t *text, int64_t *ns);

/* The string of a member, or "". */
const char *survey_text(const json_t *object, const char *key);

#endif
