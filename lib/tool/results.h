/*
 * A window's results: how a row is put together from key, bounds, aggregates and --let, whether
 * --having lets it out, and what is said of it again when it changes (--emit).
 */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/window.h"
#include "record/aggregate.h"
#include "record/expr.h"
#include "record/key.h"
#include "tool/filter.h"

enum results_emit {
	RESULTS_FINAL,       /* once, when nothing can change any more */
	RESULTS_UPDATES,     /* and again at each change, with a revision */
	RESULTS_RETRACTIONS, /* and what is replaced is taken back before */
};

enum { RESULTS_LETS_MAX = 32 };

/* What has been said of a key in a window; zeros at first. It lies behind the aggregates' state. */
struct issued {
	char *row; /* as it is out, without its end; NULL while nothing is out */
	uint32_t row_len;
	uint32_t revisions; /* how many rows were said */
	bool is_stale;      /* the state has changed since */
};

/* What bounds a result: a window, or the first and last event time of its records. */
struct result_bounds {
	bool is_window;
	bool is_there; /* a range may be unknown: then it is left out */
	int64_t from_ns;
	int64_t to_ns;
};

struct results_let {
	char *name;
	char *text;
	struct expr *value;
};

struct results {
	struct filter *filter;
	const struct key_fields *key;
	struct aggregates *aggregates;
	struct zone *zone; /* that bounds are written in; NULL: UTC */
	enum results_emit emit;
	struct results_let lets[RESULTS_LETS_MAX];
	size_t let_count;
	const char *having_text;
	struct expr *having;
	uint64_t top; /* at most so many rows a window; 0: all */
	const char *top_field;
	int top_value;
	struct paths paths; /* into a row */
	struct span *spans;
	struct span root;
	struct buf row;
	struct buf names; /* of key and aggregates as they stand in a row, */
	size_t name_ends[KEY_PARTS_MAX + AGGREGATES_MAX]; /* and where each ends */
	struct buf bounds; /* as they stand in the rows of the window said last */
	struct result_bounds bounds_of;
};

/* Options' readers: NAME=EXPR, an expression, N:FIELD, for a struct results; and --emit's. */
opt_reader results_read_let, results_read_having, results_read_top, results_read_emit;

void results_init(struct results *r);
void results_release(struct results *r);

/* After parsing: compiles, checks that all names of a row differ. Dies with EX_USAGE. */
void results_prepare(struct results *r, const char *const *bound_names, size_t bound_count);

/* How many bytes of state a key has behind its aggregates'. */
size_t results_state_bytes(const struct results *r);

static inline struct issued *results_issued(const struct results *r, void *state)
{
	if (r->emit == RESULTS_FINAL)
		return NULL;
	return (struct issued *)(void *)((char *)state + r->aggregates->state_bytes);
}

/* Makes the row of a key in r->row, without its end. True if it is to be out. */
bool results_make(struct results *r, const char *key, size_t key_len, const struct result_bounds *b,
	const void *state);

/* The number in the row's --top field; false if there is none. */
bool results_rank(const struct results *r, struct decimal *rank);

/*
 * Says the row in r->row, or, where it is not to be out, takes back what is. was is NULL under
 * RESULTS_FINAL. Returns by how many bytes what is kept has grown.
 */
int64_t results_say(struct results *r, struct issued *was, bool is_out);

/* Takes back what is out, if anything. */
int64_t results_retract(struct results *r, struct issued *was);

/* Lets go of what is kept; returns its bytes. */
size_t issued_release(struct issued *was);

/* Appends it for the disk; and back, into zeros: false if it is no such thing. */
void issued_pack(const struct issued *was, struct buf *to);
bool issued_unpack(struct issued *was, const char **at, const char *end);

#endif
