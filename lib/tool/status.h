/* dd-run --status: how the pipeline of a checkpoint directory is doing. */
#ifndef STATUS_H
#define STATUS_H

#include <stdbool.h>

/* Prints it on stdout, in words or as one line of JSON. The pipeline's name may be NULL: that of
 * the directory. Dies with EX_CONFIG if dir is no such directory, EX_IOERR if its commit is
 * damaged. */
void status_print(const char *dir, const char *pipeline, bool as_json);

#endif
