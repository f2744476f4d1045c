/*
 * Expressions: conditions and small calculations on the fields of a record, such as
 * `status >= 500 and matches(path, "^/api/")`. The language is described in ddpipe(7).
 *
 * Compiled once; evaluated on the spans of a scan, with no allocation but for buffers that grow
 * with the longest value and are reused. An expression has at most 1000 steps and is nested at most
 * 200 deep, so evaluation takes bounded time but for matches(), which takes what regexec(3) does.
 */
#ifndef EXPR_H
#define EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "record/path.h"
#include "record/scan.h"
#include "record/value.h"

struct expr;

/*
 * Compiles text (borrowed only for the call) and adds the paths it needs to paths; whoever
 * evaluates passes the values of a scan for those. Gives *e, to be freed. Returns NULL, or a static
 * reason with *column the place it is about, in characters from 1, and with nothing to free; some
 * paths may have been added then.
 */
const char *expr_compile(struct expr **e, const char *text, struct paths *paths, size_t *column);

void expr_free(struct expr *e);

/*
 * How long the expression at the beginning of text is, when it stands in a list: up to the first
 * comma or closing parenthesis that is outside quotes and parentheses, or the end. What is in it is
 * not checked.
 */
size_t expr_extent(const char *text);

/* What it gives borrows the scanned line and e, until e is evaluated again. */
const struct value *expr_eval(struct expr *e, const struct span *values);

/* The place among the values of what it gives, where it is a path and nothing else; else -1. */
int expr_path(const struct expr *e);

/* Whether it gives true: not false, not missing, not anything else. */
bool expr_true(struct expr *e, const struct span *values);

#endif
