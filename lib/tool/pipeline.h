/*
 * The programs of a pipeline while they run: each part of its text is a child of this process,
 * joined to the next by a pipe. Here they are started, their ends are noted in the order of time,
 * and what does not notice that its neighbours are gone is ended.
 *
 * Its head is the first of our own programs: what stands before it only feeds it. It is asked to
 * stop, and under a checkpoint it waits until the sink says that it is ready.
 */
#ifndef PIPELINE_H
#define PIPELINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/shell.h"
#include "flow/cause.h"

enum {
	PIPELINE_LINGER_S = 10,     /* for a program of others that has lost its neighbours */
	PIPELINE_STOP_LINGER_S = 1, /* the same once a stop was asked for */
	PIPELINE_KILL_S = 2,        /* from SIGTERM to SIGKILL */
	PIPELINE_ASK_S = 2,         /* from one request to the head to the next */
};

struct pipeline {
	struct program {
		const struct shell_part *part;
		char *command;
		pid_t pid;        /* 0 once it has ended */
		int64_t alone_ns; /* since when it has lost a neighbour; 0: it hasn't */
		bool terminated;  /* and was told so */
		bool killed;
	} * list;
	size_t count;
	size_t head;
	struct ending *ends;
	size_t ended;
	int64_t failing_ns; /* since when; 0: nothing has failed */
	bool is_stopping;
	int64_t ask_ns; /* when to ask the head again */
	int from_sink;  /* where it says that it is ready; -1: not waited for */
	int to_head;
	bool is_ready;
};

/* Starts all; borrows parts. Under a checkpoint the head waits for the sink. Dies with EX_TEMPFAIL
 * if that can't be. */
void pipeline_start(struct pipeline *p, const struct shell_parts *parts, bool under_checkpoint);
void pipeline_release(struct pipeline *p);

/* Takes what the sink said, when from_sink can be read. */
void pipeline_hear(struct pipeline *p);

/* Takes note of the programs that have ended. */
void pipeline_reap(struct pipeline *p, int64_t now_ns);

/* Ends what has been alone for long enough, asks again; returns when to be called again. */
int64_t pipeline_attend(struct pipeline *p, int64_t now_ns);

/* Asks the head to stop, and goes on asking: while it begins it may not listen yet. Where a
 * terminal has told everybody, it is not asked at once. */
void pipeline_stop(struct pipeline *p, bool all_know, int64_t now_ns);

/* Sends a signal to all programs that run, or to ours alone. */
void pipeline_signal(struct pipeline *p, int signal, bool ours_only);

static inline bool pipeline_has_ended(const struct pipeline *p)
{
	return p->ended == p->count;
}

#endif
