/*
 * When a source ends an epoch: after a time, after so many bytes. While nothing comes, epochs grow
 * longer, each the double of the one before up to a minute, so that what idleness brought about
 * downstream is committed as well; a record sets that back.
 */
#ifndef RHYTHM_H
#define RHYTHM_H

#include <stdbool.h>
#include <stdint.h>

struct rhythm {
	int64_t every_ns;     /* 0: not by time */
	uint64_t every_bytes; /* 0: not by size */
	int64_t interval_ns;  /* of the epoch that runs */
	int64_t began_ns;
	uint64_t bytes; /* in it */
	bool is_empty;
};

void rhythm_begin(struct rhythm *r, int64_t every_ns, uint64_t every_bytes, int64_t now_ns);

/* A record of so many bytes. True if it fills the epoch. */
static inline bool rhythm_record(struct rhythm *r, uint64_t bytes)
{
	r->is_empty = false;
	r->interval_ns = r->every_ns;
	r->bytes += bytes;
	return r->every_bytes && r->bytes >= r->every_bytes;
}

/* When it is over; INT64_MAX: not by time. */
int64_t rhythm_due_ns(const struct rhythm *r);

/* It was ended. */
void rhythm_next(struct rhythm *r, int64_t now_ns);

#endif
