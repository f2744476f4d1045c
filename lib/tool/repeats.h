/*
 * Which keys records were taken out of most often. Counts are exact while there are at most
 * REPEATS_KEYS_MAX such keys; beyond that as flow/top has it.
 */
#ifndef REPEATS_H
#define REPEATS_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "flow/seen.h"
#include "flow/top.h"
#include "record/key.h"

enum { REPEATS_KEYS_MAX = 1000, REPEATS_TOLD = 10 };

/* Zeros are the empty state. */
struct repeats {
	struct top top;
	struct buf item;
};

void repeats_release(struct repeats *r);

/* A record of this key was taken out. A key of no fields is its bytes as they stand in the record.
 * O(len). */
void repeats_add(struct repeats *r, struct fingerprint print, const struct key_fields *fields,
	const char *bytes, size_t len);

/* Says the first REPEATS_TOLD on stderr. */
void repeats_tell(const struct repeats *r);

/* Into a snapshot's state, and from there; what is not there stays empty. */
void repeats_snapshot(const struct repeats *r, json_t *state);
void repeats_restore(struct repeats *r, const json_t *state);

#endif
