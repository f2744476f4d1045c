/* The answer of a sink helper to a batch (dd-sink(7)). */
#ifndef SINKVERDICT_H
#define SINKVERDICT_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* It says `accepted` until one of the functions below is called. */
struct sink_verdict {
	json_t *reply;   /* NULL: accepted */
	json_t *records; /* borrowed from reply; NULL: it is about the whole batch */
};

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

/* Text as a JSON string; what is not UTF-8 in it becomes U+FFFD. */
json_t *sink_text(const char *text);
json_t *sink_format(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

#endif
