/*
 * The scanner: one pass over a line, no allocation, no tree. It validates the whole line as JSON
 * (RFC 8259) in UTF-8 (RFC 3629) with a depth of at most SCAN_DEPTH_MAX, and finds the values that
 * a set of paths asks for, as spans of the line's own bytes.
 */
#ifndef SCAN_H
#define SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/path.h"

enum {
	SCAN_DEPTH_MAX = 512,
	SCAN_PAD = 64, /* readable bytes that every scanned text must have behind its end */
};

enum span_type {
	SPAN_MISSING,
	SPAN_NULL,
	SPAN_FALSE,
	SPAN_TRUE,
	SPAN_NUMBER,
	SPAN_STRING,
	SPAN_ARRAY,
	SPAN_OBJECT,
};

/* A value where it stands in the line; borrows the line. */
struct span {
	const char *at; /* of a string: behind its opening quote */
	uint32_t len;   /* in bytes; of a string: without its quotes */
	uint8_t type;   /* enum span_type */
	bool escaped;   /* a string that has escapes in it: see record/text.h */
};

/*
 * Scans line[0..len), which holds no newline; line[len] must be '\n', and SCAN_PAD bytes behind it
 * must be readable. Of equal keys the last one wins. root gets the value itself; values gets one
 * span a path of p, in the order of path_add (SPAN_MISSING, of length 0, where the path leads
 * nowhere). Returns NULL, or why the line is not JSON (a static string), with *where the offset of
 * the offending byte; root and values then mean nothing. O(len).
 */
const char *scan(const struct paths *p, const char *line, size_t len, struct span *root,
	struct span *values, size_t *where);

/*
 * Calls member for each member of the object in line, in the order of the line, also for keys that
 * come again. The same contract as scan for line; the line must have passed scan as an object.
 */
void scan_members(const char *line, size_t len,
	void (*member)(void *context, const struct span *key, const struct span *value),
	void *context);

#endif
