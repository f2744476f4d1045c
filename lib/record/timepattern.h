/* Date-times in a form given by a strptime(3) pattern, in the C locale. */
#ifndef TIMEPATTERN_H
#define TIMEPATTERN_H

#include <stdbool.h>

#include "record/stamp.h"

/* Returns NULL, or why times can't be read by it. has_zone: it has a %z. */
const char *timepattern_check(const char *pattern, bool *has_zone);

/* Reads the whole text by a pattern that was checked; returns NULL, or a sentence why not. */
const char *timepattern_read(const char *pattern, const char *text, struct stamp *t);

#endif
