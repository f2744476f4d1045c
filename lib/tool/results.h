/*
 * A window's results: what --let adds to a row, whether --having lets it out, and what is said of
 * it again when it changes (--emit).
 */
#ifndef RESULTS_H
#define RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "record/expr.h"
#include "tool/filter.h"
#include "tool/resultrow.h"

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

struct results_let {
	char *name;
	char *text;
	struct expr *value;
};

struct results {
	struct filter *filter;
	struct resultrow plain; /* the row without --let */
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
	struct buf row; /* that is not made where it is written from: it may be kept */
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
	return (struct issued *)(void *)((char *)state + r->plain.aggregates->state_bytes);
}

/* Makes the row in r->row, with a comma in place of its closing brace. True if it is to be out. */
bool results_make(struct results *r, const struct result *what);

/* The number in the --top field of the row in r->row; false if there is none. */
bool results_rank(const struct results *r, struct decimal *rank);

/*
 * Says a result, or, where --having keeps it in, takes back what is out. was is NULL under
 * RESULTS_FINAL. Returns by how many bytes what is kept has grown.
 */
int64_t results_say(struct results *r, const struct result *what, struct issued *was);

/* Takes back what is out, if anything. */
int64_t results_retract(struct results *r, struct issued *was);

/* Lets go of what is kept; returns its bytes. */
size_t issued_release(struct issued *was);

/* Appends it for the disk; and back, into zeros: false if it is no such thing. */
void issued_pack(const struct issued *was, struct buf *to);
bool issued_unpack(struct issued *was, const char **at, const char *end);

#endif
