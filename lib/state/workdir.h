/*
 * A directory to work in, for files that no other run reads: empty at first, and gone with the
 * process where that ends by exit(3), as it does by die. A process that is killed leaves it; the
 * next that makes one in the same place takes it away.
 */
#ifndef WORKDIR_H
#define WORKDIR_H

/* Its name in a stage's directory. */
#define WORKDIR_NAME "working"

/*
 * In a stage's directory, whose lock this process has, it is STAGE_DIR/working; with NULL it is
 * ddpipe-state.XXXXXX in $TMPDIR (or /tmp). Only its owner can read it. Dies with EX_CANTCREAT.
 * There is one at a time in a process. Gives its path, valid until workdir_remove.
 */
const char *workdir_make(const char *stage_dir);

/* What has that name in it, and all below that. */
void workdir_clear(const char *name);

/* With all that is in it. */
void workdir_remove(void);

#endif
