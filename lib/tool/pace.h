/*
 * How a source goes on in time: when its epochs end, how fast it sends, and when it stops. Under a
 * checkpoint it stops behind a whole record when it is told to; else it ends as any filter does.
 */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/rhythm.h"
#include "tool/filter.h"
#include "tool/opt.h"

struct pace_rules {
	int64_t every_ns;     /* with every_bytes 0 as well: the default */
	uint64_t every_bytes; /* 0: not by size */
	double rate_per_s;    /* 0: as fast as it goes */
	struct opt options[3];
};

struct pace {
	struct filter *filter;
	const struct pace_rules *rules;
	struct rhythm rhythm;
	bool is_checkpointed;
	bool is_free; /* neither that nor a rate */
	bool is_stopped;
	uint64_t given;
	int64_t start_ns;
	int64_t attended_ns; /* when signals were looked at last */
};

/* --every and --rate, as a group of opt; valid while the rules are. */
const struct opt *pace_options(struct pace_rules *rules);

/* The first epoch and the time that the rate is measured from begin. Borrows both. */
void pace_begin(struct pace *p, struct filter *f, const struct pace_rules *rules);

/* True once it was told to stop under a checkpoint. */
bool pace_stopped(struct pace *p);

/* While there is always more to send: looks at signals now and then, ends an epoch that is due. */
void pace_attend(struct pace *p);

/* Waits for fd (-1: none) or a time; ends an epoch that is due meanwhile. */
void pace_wait(struct pace *p, int fd, int64_t until_ns);

/* Of pace_turn and pace_given: what there is to look at where not all goes as fast as it can. */
bool pace_turn_comes(struct pace *p);
void pace_count(struct pace *p, uint64_t bytes);

/* Before each record: waits until it may go; false if the one before it was the last. */
static inline bool pace_turn(struct pace *p)
{
	return p->is_free || pace_turn_comes(p);
}

/* Behind each record: it took so many bytes of the input. */
static inline void pace_given(struct pace *p, uint64_t bytes)
{
	p->given++;
	if (p->is_checkpointed)
		pace_count(p, bytes);
}

#endif
