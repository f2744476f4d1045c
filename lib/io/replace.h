/*
 * A file that is replaced whole: it is written aside, under a hidden name in the same directory,
 * and gets its name when all is there and synced. Until then, whatever happens, what had the name
 * is untouched. Failures end the process.
 */
#ifndef REPLACE_H
#define REPLACE_H

#include "base/buf.h"
#include "io/out.h"

struct replace {
	struct out out; /* to be written to */
	struct buf path;
	struct buf aside;
};

/*
 * The file aside of DIR/NAME is DIR/.NAME.partial, so that a crash leaves no more than it. It is
 * locked while it is written: a second writer dies with EX_TEMPFAIL. The new file has the
 * permissions of the one that it replaces, which must be a regular one (EX_CANTCREAT).
 */
void replace_open(struct replace *r, const char *path);

/* Syncs, renames, and syncs the directory. */
void replace_land(struct replace *r);

/* Frees; without replace_land the file aside stays as it is. */
void replace_release(struct replace *r);

#endif
