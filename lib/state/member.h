/*
 * What a command keeps of itself in a snapshot's state, by name. What is taken out must be there:
 * a snapshot that lacks it is of another version, and ends the process with EX_CONFIG.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void member_put(json_t *state, const char *name, int64_t value);
void member_put_text(json_t *state, const char *name, const char *text);
void member_put_bytes(json_t *state, const char *name, const void *bytes, size_t len);

int64_t member_get(const json_t *state, const char *name);

/* Borrowed; NULL if it is not there. */
const char *member_text(const json_t *state, const char *name);

/* Appends them. */
void member_bytes(const json_t *state, const char *name, struct buf *to);

/* The way out of a state that can't be read. */
void member_die(const char *name) __attribute__((noreturn));

#endif
