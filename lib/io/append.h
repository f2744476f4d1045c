/* A file that lines are appended to as they come. Failures end the process. */
#ifndef APPEND_H
#define APPEND_H

#include "io/out.h"

/* Creates the file if need be. A last line in it that has no newline, which a crash may have left,
 * is ended, so that it does not become one with the first of ours. Borrows path. */
void append_open(struct out *o, const char *path);

/* Makes durable what was appended, closes and frees. */
void append_close(struct out *o);

#endif
