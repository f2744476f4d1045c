/*
 * A directory of the user's that whole files land in, epoch by epoch. What is written stands in
 * DIR/.PIPELINE.STAGE/ first, under a name that is its run's own. The document `manifest` there is
 * the destination's commit: it names epoch, run and the files of the epoch. Behind it they are
 * linked into DIR under their names, so that who lists DIR sees whole, committed files only; and
 * until those links are durable, what they were made from is still there.
 */
#ifndef LANDING_H
#define LANDING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/out.h"
#include "state/checkpoint.h"

struct landing {
	const char *dir; /* borrowed */
	char *inner;     /* DIR/.PIPELINE.STAGE */
	int lock;
	uint64_t run;
	uint64_t created;  /* files of this run */
	json_t *manifest;  /* as it was read at the start; NULL: there is none */
	json_t *files;     /* finished since the last commit */
	json_t *committed; /* files of the last commit that have no name yet */
};

/* A file that is being written. */
struct landing_file {
	struct out out;
	char *path; /* NULL: none is open */
};

/* Makes the directories if need be and takes the lock, waiting a little; dies with EX_TEMPFAIL if
 * another process has it, EX_NOPERM where the directory can't be written. */
void landing_open(struct landing *l, const char *dir, const char *pipeline, const char *stage);
void landing_release(struct landing *l);

/* What the manifest says; false where there is none. */
bool landing_held(
	const struct landing *l, char incarnation[INCARNATION_DIGITS + 1], struct epoch *at);

/*
 * The start is consistent: takes away what older runs left, but for the file named `keep` (NULL:
 * none), and finds what a crash has kept from getting its name, for landing_link.
 */
void landing_recover(struct landing *l, uint64_t run, const char *keep);

/* Begins a file. */
void landing_create(struct landing *l, struct landing_file *f);

/* Its name within the inner directory, for a record; borrowed. */
const char *landing_file_name(const struct landing_file *f);

/* Begins a file with the first bytes of one that an older run left; each piece is shown to
 * `look`. Dies with EX_IOERR if it is not there or shorter. */
void landing_resume(struct landing *l, struct landing_file *f, const char *name, uint64_t bytes,
	void (*look)(void *context, const char *bytes, size_t len), void *context);

/* Makes what was written durable. */
void landing_sync(struct landing_file *f);

/* The file is whole: it lands as DIR/NAME with the next commit. info is more about it, for the
 * manifest (taken). */
void landing_finish(struct landing *l, struct landing_file *f, const char *name, json_t *info);

/* Without a checkpoint what is finished lands without a commit. */
void landing_adopt(struct landing *l);

/* Commits what is finished as an epoch, durably. */
void landing_commit(struct landing *l, const char *incarnation, struct epoch at);

/* Gives what is committed its names, durably. Once nothing can take the commit back. */
void landing_link(const struct landing *l);

/* And lets go of it, when all is done that is to be done for it; until then a crash finds it again.
 */
void landing_forget(struct landing *l);

#endif
