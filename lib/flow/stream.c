#include "flow/stream.h"

#include <stddef.h>

void stream_init(struct stream *s)
{
	*s = (struct stream){.watermark_ns = INT64_MIN};
}

static enum stream_answer breach(struct stream *s, const char *why)
{
	s->why = why;
	return STREAM_BREACH;
}

/* What holds for every line: nothing comes behind the last one. */
static enum stream_answer anything(struct stream *s)
{
	if (s->state == STREAM_LAST)
		return breach(s, "a line behind the last barrier");
	if (s->state == STREAM_ABORTED)
		return breach(s, "a line behind an abort");
	return STREAM_FINE;
}

enum stream_answer stream_odd_record(struct stream *s)
{
	if (s->state == STREAM_START)
		s->state = STREAM_PLAIN;
	return anything(s);
}

enum stream_answer stream_open(struct stream *s, uint64_t run, uint64_t epoch)
{
	if (s->state != STREAM_START)
		return breach(s, "'open' is not the first line");
	s->state = STREAM_OPEN;
	s->run = run;
	s->epoch = epoch;
	return STREAM_FINE;
}

/* A line that names a run: it must be ours, and there must be one. */
static enum stream_answer of_run(struct stream *s, const uint64_t *run)
{
	if (s->state == STREAM_START || s->state == STREAM_PLAIN)
		return run ? breach(s, "a control line of a run without its 'open' before it")
			   : STREAM_FOREIGN;
	if (!run || *run != s->run)
		return STREAM_FOREIGN;
	return anything(s);
}

enum stream_answer stream_watermark(struct stream *s, const uint64_t *run, int64_t watermark_ns)
{
	enum stream_answer answer = STREAM_FINE;

	if (run || stream_is_supervised(s))
		answer = of_run(s, run);
	else
		s->state = STREAM_PLAIN;
	if (answer != STREAM_FINE)
		return answer;
	if (watermark_ns < s->watermark_ns)
		return breach(s, "a watermark below the one before it");
	s->watermark_ns = watermark_ns;
	return STREAM_FINE;
}

enum stream_answer stream_barrier(struct stream *s, const uint64_t *run, uint64_t epoch, bool last)
{
	enum stream_answer answer = of_run(s, run);

	if (answer != STREAM_FINE)
		return answer;
	if (epoch != s->epoch + 1)
		return breach(s, "a barrier that does not follow the one before it");
	s->epoch = epoch;
	if (last)
		s->state = STREAM_LAST;
	return STREAM_FINE;
}

enum stream_answer stream_abort(struct stream *s, const uint64_t *run)
{
	enum stream_answer answer = of_run(s, run);

	if (answer == STREAM_FINE)
		s->state = STREAM_ABORTED;
	return answer;
}

enum stream_answer stream_unknown(struct stream *s, const uint64_t *run)
{
	return of_run(s, run);
}
