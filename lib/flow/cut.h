/*
 * Where a stream is cut into batches: a batch ends when it has so many records, or when the next
 * one would make it larger than so many bytes. A function of the records alone.
 */
#ifndef CUT_H
#define CUT_H

#include <stdbool.h>
#include <stdint.h>

struct cut {
	uint64_t most_records; /* of a batch; 0: no limit */
	uint64_t most_bytes;   /* the same, but that one record may be larger */
	uint64_t number;       /* of the open batch, or the last one, from 1 */
	uint64_t records;      /* in the open batch; 0: none is open */
	uint64_t bytes;
};

/* Whether the open batch ends before a record of so many bytes. */
static inline bool cut_before(const struct cut *c, uint64_t bytes)
{
	return c->records && c->most_bytes && c->bytes + bytes > c->most_bytes;
}

/* Takes the record; true if it is the first of a batch. */
static inline bool cut_take(struct cut *c, uint64_t bytes)
{
	bool is_first = !c->records++;

	c->number += is_first;
	c->bytes = is_first ? bytes : c->bytes + bytes;
	return is_first;
}

/* Whether the open batch ends behind the record that was taken last. */
static inline bool cut_behind(const struct cut *c)
{
	return c->most_records && c->records == c->most_records;
}

/* The open batch has been given out. */
static inline void cut_end(struct cut *c)
{
	c->records = c->bytes = 0;
}

#endif
