/*
 * The directory that all stages of a pipeline share, and a stage's own place in it:
 *
 *   incarnation                       random: tells this directory from others
 *   commit                            document: the epoch that the destination has
 *   claim                             document: which run found it at what epoch
 *   last-failure                      document: what stopped the pipeline last
 *   stages/STAGE/lock                 held by the stage and its helpers; says whether it is a sink
 *   stages/STAGE/EPOCH.RUN.snapshot   document: the stage's record of an epoch (state/snapshot)
 *   stages/STAGE/KIND.RUN.NUMBER      what such records rely on; written by that run only
 *   stages/STAGE/working/             of the present run alone (state/workdir)
 *
 * What a process finds there and relies on it syncs first, as its writer may have died before it
 * did. Failures end the process; what they say names the file and the way out.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { INCARNATION_DIGITS = 32, RUN_DIGITS = 16 };

/* An epoch as a run made it; number 0 is before all. */
struct epoch {
	uint64_t number;
	uint64_t run;
};

struct checkpoint {
	const char *dir;   /* borrowed */
	const char *stage; /* borrowed */
	char *stage_dir;
	char incarnation[INCARNATION_DIGITS + 1];
	int lock;
	bool is_sink;
	uint64_t run; /* the present one, once it is known */
};

/* What DIR/commit says. */
struct commit {
	struct epoch at;
	json_t *stages; /* their names, in order; NULL before the first commit */
};

struct checkpoint_rules {
	bool is_sink;
	uint64_t run;       /* the present one, if it is known already; else 0 */
	bool may_be_shared; /* the directory may lie on a network file system */
};

/*
 * Makes the directory and the stage's place if need be, takes the stage's lock, waiting a little
 * for an older run to be gone, and adopts all but the commit. Dies with EX_TEMPFAIL if the lock is
 * held, EX_NOPERM if the directory is somebody else's or open to others, EX_CONFIG on a network
 * file system or if the lock is held by another stage of this run.
 */
void checkpoint_open(struct checkpoint *c, const char *dir, const char *stage,
	const struct checkpoint_rules *rules);
void checkpoint_close(struct checkpoint *c);

/* The run is known now, and said in the lock: who waits for a commit sees by it that the sink was
 * there. */
void checkpoint_begin_run(struct checkpoint *c, uint64_t run);

/* Whether the lock of a stage, be it held or not, says another run than the present one. */
bool checkpoint_has_other_run(const struct checkpoint *c, const char *stage);

/* Reads the commit, synced before. The caller releases it. */
void checkpoint_commit(const struct checkpoint *c, struct commit *commit);
void commit_release(struct commit *commit);

/* The same for a directory in which this process is no stage: nothing is synced or changed. False
 * where there is no commit yet. */
bool commit_read(const char *dir, struct commit *commit);

/* Whether a commit's list has the stage. */
bool commit_has_stage(const struct commit *commit, const char *stage);

/* Makes it durable that the pipeline has come to `at`. */
void checkpoint_commit_set(const struct checkpoint *c, struct epoch at, const json_t *stages);

/*
 * The present run has claimed the destination, which holds `at` and nothing more, so that no other
 * run can commit behind it until it claims it too. Durable when it returns.
 */
void checkpoint_claim_set(const struct checkpoint *c, struct epoch at);

/*
 * The one run besides the present one that may have brought the destination beyond the commit `at`:
 * the last that has claimed it there, or, if none has, the one that made the commit. False if that
 * can't be known, as the claim is damaged: the sink's next one replaces it.
 */
bool checkpoint_claimer(const struct checkpoint *c, struct epoch at, uint64_t *by);

/* Whether the commit has come to an epoch of this run. */
bool checkpoint_is_committed(const struct checkpoint *c, struct epoch at);

/*
 * Waits until that is so. False if the sink is gone and it is not, or no sink came within ten
 * seconds. Dies with EX_TEMPFAIL when told twice to stop.
 */
bool checkpoint_await(const struct checkpoint *c, struct epoch at);

/* Keeps why this stage stops the pipeline; a consequence does not replace its cause. Best effort:
 * the process is dying. */
void checkpoint_failure(const struct checkpoint *c, int status, const char *why);

/* 16 hexadecimal digits, and back. */
void run_print(char text[RUN_DIGITS + 1], uint64_t run);
bool run_read(const char *text, uint64_t *run);

/* {"epoch":…,"run":"…"}: gives a new reference; and back, false if it is no such thing. */
json_t *epoch_json(struct epoch at);
bool epoch_read(const json_t *from, struct epoch *at);

/* Whether a directory lies where locks and syncs are another machine's. */
bool directory_is_remote(const char *path);

#endif
