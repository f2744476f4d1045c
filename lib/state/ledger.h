/*
 * DIR/ledger.ndjson: a line a commit, with the balance of each stage, and the SHA-256 of the line
 * before (of the first: 64 zeros). A line is part of the sink's own record before it stands here,
 * so it is durable before the destination commits.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "state/checkpoint.h"

enum { LEDGER_HASH_DIGITS = 64 };

struct ledger_tail {
	struct epoch at; /* of the last line; number 0: there is none */
	char hash[LEDGER_HASH_DIGITS + 1];
};

/* Reads the last line. A torn one behind it, which a crash left, is cut off where repair says so.
 * Dies with EX_IOERR if the last whole line is damaged. */
void ledger_open(struct ledger_tail *t, const char *dir, bool repair);

/* Makes a line: stages are the balances (borrowed). Gives a new reference. */
json_t *ledger_line(const struct ledger_tail *t, struct epoch at, const json_t *stages);

/* Appends a line durably, and goes on from it. */
void ledger_append(struct ledger_tail *t, const char *dir, const json_t *line);

/* What is checked of the ledger, and what was found. */
struct ledger_report {
	uint64_t lines;
	uint64_t epochs;
	uint64_t rewinds;
	struct epoch last;
	uint64_t delivered; /* records that the sinks took, all in all */
	uint64_t rejected;  /* and those that went out under a reason at the sink */
};

/* Checks chain, order and balances of all lines: NULL, or what is wrong, in `why`, with its line
 * in it. */
const char *ledger_verify(const char *dir, struct ledger_report *report, struct buf *why);

/* What the balances of neighbours must have in common: NULL, or what is wrong, in `why`. */
const char *ledger_compare(const json_t *stages, struct buf *why);

#endif
