/*
 * The automaton that every stage holds its stream to: `open` first, barriers consecutive,
 * watermarks never falling, nothing behind the last barrier; in a stream without `open`, watermarks
 * only.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stdint.h>

enum stream_state {
	STREAM_START, /* nothing seen yet */
	STREAM_PLAIN, /* unsupervised: the end of the file is the end */
	STREAM_OPEN,  /* supervised: the end must be said */
	STREAM_LAST,  /* the last barrier has passed */
	STREAM_ABORTED,
};

/* What a control line may be in the place where it stands. */
enum stream_answer {
	STREAM_FINE,
	STREAM_FOREIGN, /* not of this run: a malformed record, never an instruction */
	STREAM_BREACH,  /* the stream itself is out of order */
};

struct stream {
	enum stream_state state;
	uint64_t run;
	uint64_t epoch; /* of the last barrier, or of `open` */
	int64_t watermark_ns;
	const char *why; /* of the last STREAM_BREACH; static */
};

void stream_init(struct stream *s);

static inline bool stream_is_supervised(const struct stream *s)
{
	return s->state >= STREAM_OPEN;
}

/* Each is told what comes next. A run of NULL stands for a line that carries none. */
enum stream_answer stream_open(struct stream *s, uint64_t run, uint64_t epoch);
enum stream_answer stream_watermark(struct stream *s, const uint64_t *run, int64_t watermark_ns);
enum stream_answer stream_barrier(struct stream *s, const uint64_t *run, uint64_t epoch, bool last);
enum stream_answer stream_abort(struct stream *s, const uint64_t *run);
enum stream_answer stream_unknown(struct stream *s, const uint64_t *run);

/* Of stream_record: a record that is the first line, or may not stand here. */
enum stream_answer stream_odd_record(struct stream *s);

static inline enum stream_answer stream_record(struct stream *s)
{
	return s->state == STREAM_PLAIN || s->state == STREAM_OPEN ? STREAM_FINE
								   : stream_odd_record(s);
}

#endif
