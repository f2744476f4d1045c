/*
 * dd-run --backup: copies a checkpoint directory as of its commit, while its pipeline runs.
 *
 * What an epoch relies on is never changed once it is committed, only appended to or, later, swept;
 * so the commit is read first, and what it names is copied, each file up to the stated length. If
 * something was swept meanwhile, the commit has moved, and it begins again.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include <stdint.h>

#include "state/checkpoint.h"

struct backup_done {
	struct epoch at; /* number 0: nothing was committed yet */
	uint64_t files;
};

/*
 * `to` must not be there, or be an empty directory (EX_CANTCREAT). When it returns, the copy is
 * durable. Dies with EX_IOERR if the directory is damaged or copying fails, EX_CONFIG if it is no
 * checkpoint directory, EX_TEMPFAIL if the commit moves too fast.
 */
void backup_run(const char *dir, const char *to, struct backup_done *done);

#endif
