/*
 * The helper's side of the sink protocol (dd-sink(7)): a sink is its handlers, the talking is here.
 * One sink in a process.
 */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/scan.h"
#include "tool/held.h"
#include "tool/sinkverdict.h"

/* What `open` said; borrowed for the call. */
struct sink_target {
	const char *url;
	int64_t timeout_ms; /* for one try; more than 0 */
};

/* Whole lines, each with its newline; SCAN_PAD bytes behind them can be read. */
struct sink_batch {
	const char *lines;
	size_t len;
	size_t count;    /* at least 1 */
	const char *key; /* printable ASCII; NULL: it has none */
};

/* Who claims the destination; borrowed for the call. */
struct sink_claim {
	const char *pipeline, *stage; /* whose record is meant, until the end */
	uint64_t run;
};

struct sink {
	const char *name;
	size_t max_records, max_bytes; /* of one batch */
	bool can_keys;                 /* a batch may have a key */
	void (*open)(const struct sink_target *target);
	/* When it returns, what it accepts is at the destination, durably; after a fence it is in
	 * the transaction. */
	void (*batch)(const struct sink_batch *batch, struct sink_verdict *verdict);

	/* Transactions: all four or none of these handlers, which keep what dd-sink(7) says of the
	 * messages. Each fails by sink_fail, with EX_TEMPFAIL if the run is not the owner. They
	 * are called in order: fence once, before any batch; take not within an epoch; commit
	 * directly after prepare, with the same epoch and the claim's run. */
	void (*fence)(const struct sink_claim *claim, struct held *held);
	void (*take)(const struct held *becomes);
	void (*prepare)(uint64_t epoch);
	void (*commit)(const struct held *becomes, bool over);

	/* Called once before the process ends, if not by die: undoes what was not accepted and
	 * releases everything, also after an open that failed half-way. */
	void (*close)(void);
};

/* The main function of a helper. Returns its exit status. */
int sink_run(const struct sink *sink, int argc, char **argv);

/* Answers `failed`, closes and exits: nothing can be delivered until somebody has seen to it. */
void sink_fail(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

#endif
