/*
 * The one loop. Every filter of the toolkit is this program around its own handlers: it owns the
 * common options, reading, scanning, control lines, signals, dead letters, the balance and the
 * order of things at the end. Output is buffered while input is waiting and flushed before the
 * filter would block.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "flow/stream.h"
#include "io/line.h"
#include "record/expr.h"
#include "record/shape.h"
#include "tool/balance.h"
#include "tool/epochs.h"
#include "tool/handshake.h"
#include "tool/opt.h"
#include "tool/outlet.h"
#include "tool/rejects.h"

enum filter_role {
	FILTER_SOURCE, /* reads what is outside; begins and ends the stream */
	FILTER_STAGE,
	FILTER_SINK, /* consumes control lines; its output is no stream */
};

/*
 * A record in a handler's hands; borrows the read buffer, valid until the handler returns.
 *
 * What stands in struct line (io/line) has no neighbour here that does as well: a compiler would
 * copy the two in one load, which waits until the processor has the two stores of just before in
 * its cache; that took a fortieth of the time.
 */
struct record {
	const char *bytes; /* the line without its newline */
	size_t len;
	struct span root;
	uint64_t line;             /* its number in the input, from 1 */
	const char *source;        /* the input's name */
	uint64_t offset;           /* of its first byte there */
	const struct span *fields; /* in the order of filter_field */
	uint64_t length;           /* of the whole line; more than len where not all was kept */
	bool too_long;
	unsigned slot; /* below FILTER_AHEAD, its own until the record handler returns */
	uint64_t hash; /* of the whole line, where it is too long or supervised; else 0 */
};

/* So many records are prepared before the first of them is handled, where there are as many. */
enum { FILTER_AHEAD = 64 };

/* What becomes of a record. */
enum outcome {
	PASSED,   /* its bytes go on */
	ABSORBED, /* into a result or the state */
	DROPPED,  /* taken out as asked, for a reason */
	BAD,      /* to the dead letters, for a reason; without a store the filter stops */
	HELD,     /* settled later by filter_settle */
};

struct verdict {
	enum outcome outcome;
	const char *reason; /* of DROPPED and BAD; static */
};

static inline struct verdict verdict(enum outcome outcome)
{
	return (struct verdict){.outcome = outcome};
}

static inline struct verdict dropped(const char *reason)
{
	return (struct verdict){.outcome = DROPPED, .reason = reason};
}

/* What a command is; each is called with its state. NULL where there is nothing to do. */
struct handlers {
	/* Before the first line is read. */
	void (*begin)(void *state);
	struct verdict (*record)(void *state, const struct record *r);
	/* A record will be handed to the record handler, behind others that have been prepared:
	 * what can be fetched for it is. It must change nothing but what the command keeps for
	 * r->slot. The record is valid until it has been handled. */
	void (*prepare)(void *state, const struct record *r);
	/* The watermark has advanced. The line passes on, unless the command consumes them. */
	void (*watermark)(void *state, int64_t watermark_ns);
	bool consumes_watermarks;
	/* Input has run dry, or the time has come that was returned last; returns the monotonic
	 * time to be called at again. */
	int64_t (*idle)(void *state, int64_t now_ns);
	/* SIGUSR1 asked for the figures: what there is to say behind the balance, on stderr. */
	void (*figures)(void *state);
	/* The input is complete: flush everything. */
	void (*end)(void *state);
	/* How much is lost when the filter stops before its end, and what it is called. */
	uint64_t (*unfinished)(void *state, const char **what);
	/*
	 * Only under a checkpoint. restore is called once, before the first record: with what
	 * snapshot gave for the epoch that this run begins at, or with NULL, to begin empty.
	 * snapshot is called at a barrier and makes its bulk files durable itself
	 * (state/changelog); from then on everything is to go on as if it had never stopped.
	 */
	void (*restore)(void *state, const struct snapshot *from);
	void (*snapshot)(void *state, struct snapshot *to);
	/* Under a checkpoint: the commit has come to an epoch of this run. */
	void (*committed)(void *state, struct epoch at);
};

struct commitment;

/* Records that were prepared and are yet to be handled, in order. */
struct ahead {
	struct record records[FILTER_AHEAD];
	bool is_chosen[FILTER_AHEAD]; /* by --where */
	struct span *fields;          /* of all of them; NULL where the command prepares nothing */
	unsigned count;
};

struct filter {
	enum filter_role role;
	const struct handlers *handlers;
	void *state;
	const char *passed_word; /* what the balance calls passing */

	/* options */
	const char *name;
	const char *pipeline;
	uint64_t max_record_bytes;
	struct rejects rejects;
	bool quiet;
	const char *where_text;
	bool plain; /* a source that sends no control lines */

	struct paths paths;
	struct shape shape;
	struct span *fields, *next_fields; /* of the record in hand, and of the one behind it */
	struct ahead ahead;
	struct expr *where;
	bool where_passes; /* records it does not choose pass untouched; else they are taken out */
	int reserved_key;  /* among the fields: a top-level $dd */
	bool wants_object;

	struct stream stream;
	struct balance balance;
	struct balance reported; /* as it was at the last barrier */
	struct buf detail;       /* of the verdict in hand */

	struct input input;
	struct lines lines;
	struct outlet outlet;
	struct epochs epochs;
	struct handshake handshake;
	struct commitment *commitment; /* of a sink that takes part in checkpoints */
	struct opt options[15];
	int64_t idle_ns;    /* when the idle handler wants to be called */
	int64_t arrival_ns; /* 0: not asked for yet */
	bool has_begun;
	bool has_said_last; /* nothing may come behind the last barrier */
};

/* The stage's default name is the tool's without its "dd-"; NULL: it may be no stage, and
 * filter_begin wants one. Borrows all that is given. */
void filter_init(struct filter *f, enum filter_role role, const char *name,
	const struct handlers *handlers, void *state);
void filter_release(struct filter *f);

/* The options all filters have, for opt_command.common; valid while f is. */
const struct opt *filter_options(struct filter *f);

/* Asks for a field; returns its place in record.fields. Dies with EX_USAGE if it is no path. */
int filter_field(struct filter *f, const char *path);

/* Where the begin, restore or record handler has added to f->paths: from now on that is found, too;
 * in r as well, the record in hand or NULL, whose fields are f->fields then. Not where records are
 * prepared. */
void filter_fields_added(struct filter *f, const struct record *r);

/*
 * Runs over the inputs ("-" or none: stdin) to the end and returns the exit status, which is not 0
 * only where another stage's cause is passed on. Tells the balance on stderr. Other failures die.
 */
int filter_run(struct filter *f, char **inputs, int input_count);

/* The same in three steps, for a source whose records come from elsewhere than from inputs. */
void filter_begin(struct filter *f);
int filter_end(struct filter *f);

/* Opens a file that records are taken out into, to be appended to: their bytes go to side_add. In
 * the begin handler; kind is static, says what is in it, and is no other's of this stage. The
 * filter keeps it. */
struct side *filter_side_open(struct filter *f, const char *path, const char *kind);

/* Before filter_run: an option that shapes the state, as the user wrote it. A start with another
 * value of it is refused, as the state could not be read by it. */
void filter_shape(struct filter *f, const char *option, const char *text);

/* The checkpoint directory, NULL where there is none. Its run is known when restore is called. */
const struct checkpoint *filter_checkpoint(const struct filter *f);

/*
 * For a source under a checkpoint. filter_epoch ends an epoch: calls snapshot, makes it durable,
 * sends the barrier. filter_pause makes the last barrier, that of filter_end, a pause instead of
 * the end: by is "once" or "signal". filter_stop_asked: SIGTERM or SIGINT came, so the record in
 * hand is to be the last (without a checkpoint the filter dies of it by itself). filter_begin_new,
 * in restore: the inputs are others than those of the commit, so all stages begin empty.
 */
void filter_epoch(struct filter *f);
void filter_pause(struct filter *f, const char *by);
bool filter_stop_asked(const struct filter *f);
void filter_begin_new(struct filter *f);

/* The rest is for handlers. Says more about the BAD verdict that is being returned. */
struct verdict filter_bad(struct filter *f, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sends a record that the stage made, or prints a sink's plain line; line[len] is its newline. */
void filter_emit(struct filter *f, const char *line, size_t len);

/* The same of a record that is made where it is written from: behind what the buffer has, to its
 * newline; or it is dropped. Nothing else is sent in between. */
struct buf *filter_make(struct filter *f);
void filter_made(struct filter *f);
void filter_drop(struct filter *f);

/* Sends a watermark behind the record in hand, or from the idle handler. */
void filter_send_watermark(struct filter *f, int64_t watermark_ns);

/* Files r, which is in hand or was HELD, as a dead letter for a static reason; without a store the
 * filter stops. detail may be NULL. */
void filter_reject(
	struct filter *f, const struct record *r, const char *reason, const char *detail);

/* count of the records that were HELD have reached the destination. */
void filter_settle(struct filter *f, uint64_t count);

/* Waits as the loop does: what was written goes out before, and the figures are told when asked
 * for. Returns as loop_wait does, also when only a signal came. */
bool filter_wait(struct filter *f, int fd, int64_t until_ns);

/* The time of day at which the record in hand came: when what was read with it was first asked for
 * this. */
int64_t filter_arrival_ns(struct filter *f);

/* Says the figures on stderr, unless --quiet. */
void filter_tell(struct filter *f);

#endif
