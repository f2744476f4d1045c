/*
 * The keeper of one run: a process between dd-run and the programs of its pipeline. It starts them,
 * waits for them, and takes orders over a socket, whose end it takes as an order too: so when
 * dd-run is killed, the keeper kills what it has started, and when the keeper is killed, the kernel
 * kills its children and dd-run finds what those have left. Whatever dies, nobody is left behind.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/shell.h"

struct keeper {
	pid_t pid;
	int socket; /* to be waited on */
};

enum order {
	ORDER_STOP = 's',       /* ask the pipeline to stop */
	ORDER_STOP_KNOWN = 't', /* the same, but all programs have been told already */
	ORDER_STOP_NOW = 'i',   /* insist */
	ORDER_KILL = 'k',
	ORDER_FIGURES = 'f', /* SIGUSR1 for our own programs */
};

enum keeper_news { KEEPER_SILENT, KEEPER_READY, KEEPER_GONE };

/* Starts the keeper, and it the pipeline. Dies with EX_TEMPFAIL if that can't be. */
void keeper_start(struct keeper *k, const struct shell_parts *parts, bool under_checkpoint);

void keeper_order(const struct keeper *k, enum order order);

/* What there is to hear; does not wait. KEEPER_READY comes once: the sink is ready, or where there
 * is no checkpoint all programs are started. */
enum keeper_news keeper_hear(const struct keeper *k);

/* Once it is gone: sees that all else is, and returns the exit status of the pipeline. */
int keeper_end(struct keeper *k);

#endif
