/*
 * The helper's side of the sink protocol (dd-sink(7)): a sink is its handlers, the talking is here.
 * One sink in a process.
 */
#ifndef SINK_H
#define SINK_H

#include <stddef.h>
#include <stdint.h>

#include "record/scan.h"

/* What `open` said; borrowed for the call. */
struct sink_target {
	const char *url;
	int64_t timeout_ms; /* for one try; more than 0 */
};

/* Whole lines, each with its newline; SCAN_PAD bytes behind them can be read. */
struct sink_batch {
	const char *lines;
	size_t len;
	size_t count; /* at least 1 */
};

/* The answer to a batch; it says `accepted` until one of the functions below is called. */
struct sink_verdict;

struct sink {
	const char *name;
	size_t max_records, max_bytes; /* of one batch */
	void (*open)(const struct sink_target *target);
	/* When it returns, what it accepts is at the destination, durably. */
	void (*batch)(const struct sink_batch *batch, struct sink_verdict *verdict);
	/* Called once before the process ends, if not by die: undoes what was not accepted and
	 * releases everything, also after an open that failed half-way. */
	void (*close)(void);
};

/* The main function of a helper. Returns its exit status. */
int sink_run(const struct sink *sink, int argc, char **argv);

/* Answers `failed`, closes and exits: nothing can be delivered until somebody has seen to it. */
void sink_fail(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/*
 * The whole batch had no effect, and is to be sent again or can't be; this replaces what was said
 * of its records. reason is like `http_503`; retry_after_ms is 0 when the destination did not say.
 * Text that is not UTF-8 is made so.
 */
void sink_retry(struct sink_verdict *verdict, const char *reason, int64_t retry_after_ms,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void sink_reject(struct sink_verdict *verdict, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Record number `index` (from 0, ascending) is not taken; those of which nothing is said are. */
void sink_reject_record(struct sink_verdict *verdict, size_t index, const char *reason,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
