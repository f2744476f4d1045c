/*
 * What dd-run and the programs that it starts tell each other: the run's name, and that the sink is
 * ready, so that no start of a source is lost to a sink that has to recover first.
 */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

struct handshake {
	bool has_run; /* dd-run started this process */
	uint64_t run;
	int ready; /* where it is told that the sink is ready; -1: nowhere */
};

/* Reads DDPIPE_RUN and DDPIPE_READY_FD, and asks to be killed when dd-run dies. Dies with EX_USAGE
 * where they make no sense. */
void handshake_init(struct handshake *h);

/* A source waits until the sink is ready. Dies with EX_TEMPFAIL when it will not be. */
void handshake_await(struct handshake *h);

/* Whether the source waits for this sink. */
bool handshake_is_awaited(const struct handshake *h);

/* The sink is ready. */
void handshake_ready(struct handshake *h);

/* A program that is neither, or that needs it no more, lets go of the pipe. */
void handshake_close(struct handshake *h);

#endif
