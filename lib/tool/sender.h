/*
 * The process that sends what is in the spool: a child of dd-deliver, which blocks where the
 * destination does, so that the commit never waits for it. It is given orders, and what it has
 * achieved is seen at any time; for each piece of that a byte comes from it, as it may be waited
 * for. It keeps the stage's lock for as long as it lives, and dies when its parent does.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tool/filter.h"

enum { SENDER_WHY_MAX = 1024 };

/* Shared by both processes. */
struct sender_progress {
	_Atomic uint64_t sent; /* all before this position of the chain is done with */
	_Atomic uint64_t delivered, rejected; /* records of this run */
	_Atomic uint64_t journal;             /* number << 32 | bytes of the journal that says so */
	char why[SENDER_WHY_MAX];             /* its last words; read when it is gone */
};

enum sender_order_kind {
	SENDER_SEND,   /* the segment of this run's with that number has grown */
	SENDER_FINISH, /* there is no more: exit when all is sent; failures are bounded */
	SENDER_PAUSE,  /* the same, but after --retry-for exit with what is left, EX_TEMPFAIL */
	SENDER_STOP,   /* exit when the answer in hand is there */
};

struct sender_order {
	uint64_t kind;
	uint64_t number, bytes; /* of SENDER_SEND */
	uint64_t records;       /* how many the chain has had in this run, with these */
};

struct sender {
	pid_t pid;
	int orders; /* to be written to */
	int news;   /* readable when there is progress, and when the sender is gone */
	struct sender_progress *progress;
};

/* The child's ends. */
struct sender_work {
	int orders;
	int news;
	struct sender_progress *progress;
};

/*
 * Forks. In the child run(context, …) is called, which does not return; standard input and output
 * are /dev/null there, the filter is without a voice, and signals that stop it are ignored.
 */
void sender_init(struct sender *s); /* progress is the caller's to set */
void sender_start(struct sender *s, struct filter *f,
	void (*run)(void *context, const struct sender_work *w), void *context);

/* False if the sender is gone. */
bool sender_order(const struct sender *s, const struct sender_order *order);

/* Takes what it told; false if it is gone. */
bool sender_hear(const struct sender *s);

/* Waits for it, and returns the status of waitpid(2). */
int sender_reap(struct sender *s);

/* In the child: takes one order, if there is one. Exits when the parent is gone. */
bool sender_next_order(const struct sender_work *w, struct sender_order *order);

/* In the child: there is progress. */
void sender_tell(const struct sender_work *w);

#endif
