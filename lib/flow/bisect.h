/*
 * What of a batch is still to be sent, and in which pieces: a piece that is refused is halved until
 * the record that is to blame stands alone. With k such records among n at most
 * 2k (1 + log2 n) + 1 pieces are sent.
 */
#ifndef BISECT_H
#define BISECT_H

#include <stdbool.h>
#include <stddef.h>

enum { BISECT_DEPTH_MAX = 64 }; /* a halving adds one piece, and a size has no more bits */

struct bisect {
	size_t *records; /* numbers of records; a piece is a run of them */
	size_t cap;
	struct bisect_piece {
		size_t first, count;
	} pieces[BISECT_DEPTH_MAX]; /* the next one is the last */
	unsigned depth;
};

void bisect_init(struct bisect *b);
void bisect_release(struct bisect *b);

/* A batch of count records, numbered from 0, at least 1. What was left of another is forgotten. */
void bisect_begin(struct bisect *b, size_t count);

/* The piece to send next: record numbers, ascending, valid until the next call; NULL when nothing
 * is left. It stays the next one until one of the functions below is called. */
const size_t *bisect_next(const struct bisect *b, size_t *count);

/* Whether nothing is left behind the next piece. */
bool bisect_is_last(const struct bisect *b);

/* Of the next piece only those at these places (ascending) are still to be sent; none: all of it is
 * done with. */
void bisect_keep(struct bisect *b, const size_t *places, size_t count);

/* The next piece was refused. False if it is a single record, which is done with now. */
bool bisect_halve(struct bisect *b);

#endif
