/*
 * What a destination holds of a pipeline: the epoch that was committed there last, by which run and
 * of which checkpoint directory; and how that is written in a message to a helper or from it
 * (dd-sink(7)).
 */
#ifndef HELD_H
#define HELD_H

#include <jansson.h>
#include <stdbool.h>

#include "state/checkpoint.h"

struct held {
	bool is_there; /* otherwise nothing, and the rest is void */
	char incarnation[INCARNATION_DIGITS + 1];
	struct epoch at;
	const char *where; /* it is written, for messages; borrowed, may be NULL */
};

/* {} or {"incarnation","epoch","run"}: gives a new reference; NULL when memory ran out. */
json_t *held_json(const struct held *h);

/* And back. False if it is neither, or of another form; other members are ignored. */
bool held_read(const json_t *from, struct held *h);

/* Takes the text if it is an incarnation: 32 lower-case hexadecimal digits. */
bool incarnation_read(const char *text, char to[INCARNATION_DIGITS + 1]);

#endif
