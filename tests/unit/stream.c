#include "flow/stream.h"

#include <stddef.h>

#include "test.h"

static const uint64_t ours = 0x8f3ab2c49d01e657, other = 1;

static struct stream opened(void)
{
	struct stream s;

	stream_init(&s);
	check(!stream_is_supervised(&s));
	check_int(stream_open(&s, ours, 41), STREAM_FINE);
	check(stream_is_supervised(&s));
	return s;
}

static void check_breach(const struct stream *s, enum stream_answer answer, const char *why)
{
	check_int(answer, STREAM_BREACH);
	check_text(s->why, why);
}

void test_a_good_supervised_stream(void)
{
	struct stream s = opened();

	check_int(stream_record(&s), STREAM_FINE);
	check_int(stream_watermark(&s, &ours, 5), STREAM_FINE);
	check_int(stream_watermark(&s, &ours, 5), STREAM_FINE);
	check_int(stream_unknown(&s, &ours), STREAM_FINE);
	check_int(stream_barrier(&s, &ours, 42, false), STREAM_FINE);
	check_int(stream_record(&s), STREAM_FINE);
	check_int(stream_watermark(&s, &ours, 6), STREAM_FINE);
	check_int(s.state, STREAM_OPEN);
	check_int(stream_barrier(&s, &ours, 43, true), STREAM_FINE);
	check_int(s.state, STREAM_LAST);
	check(stream_is_supervised(&s));
}

void test_a_plain_stream(void)
{
	struct stream s;

	stream_init(&s);
	check_int(stream_watermark(&s, NULL, INT64_MIN), STREAM_FINE);
	check_int(stream_record(&s), STREAM_FINE);
	check_int(stream_watermark(&s, NULL, 7), STREAM_FINE);
	check_int(s.state, STREAM_PLAIN);
	check_breach(&s, stream_watermark(&s, NULL, 6), "a watermark below the one before it");
	check_int(stream_barrier(&s, NULL, 1, false), STREAM_FOREIGN);
	check_int(stream_unknown(&s, NULL), STREAM_FOREIGN);
	check_int(stream_abort(&s, NULL), STREAM_FOREIGN);
	check(!stream_is_supervised(&s));
	check_int(s.state, STREAM_PLAIN);
}

void test_open_must_be_first(void)
{
	static const char why[] = "'open' is not the first line";
	struct stream s = opened();

	check_breach(&s, stream_open(&s, ours, 41), why);
	check_breach(&s, stream_open(&s, other, 41), why);
	stream_init(&s);
	check_int(stream_record(&s), STREAM_FINE);
	check_breach(&s, stream_open(&s, ours, 0), why);
	stream_init(&s);
	check_int(stream_watermark(&s, NULL, 0), STREAM_FINE);
	check_breach(&s, stream_open(&s, ours, 0), why);
	s = opened();
	check_int(stream_barrier(&s, &ours, 42, true), STREAM_FINE);
	check_breach(&s, stream_open(&s, ours, 42), why);
}

void test_lines_of_a_run_without_open(void)
{
	static const char why[] = "a control line of a run without its 'open' before it";

	for (int plain = 0; plain < 2; plain++) {
		struct stream s;

		stream_init(&s);
		if (plain)
			stream_record(&s);
		check_breach(&s, stream_watermark(&s, &ours, 0), why);
		check_breach(&s, stream_barrier(&s, &ours, 1, false), why);
		check_breach(&s, stream_barrier(&s, &ours, 1, true), why);
		check_breach(&s, stream_abort(&s, &ours), why);
		check_breach(&s, stream_unknown(&s, &ours), why);
		check(!stream_is_supervised(&s));
	}
}

/* What names another run, or none, is no instruction, and changes nothing. */
void test_foreign_lines(void)
{
	const uint64_t *const runs[] = {&other, NULL};

	for (int i = 0; i < 2; i++) {
		struct stream s = opened(), before;

		check_int(stream_watermark(&s, &ours, 9), STREAM_FINE);
		before = s;
		check_int(stream_watermark(&s, runs[i], 5), STREAM_FOREIGN);
		check_int(stream_watermark(&s, runs[i], 10), STREAM_FOREIGN);
		check_int(stream_barrier(&s, runs[i], 42, true), STREAM_FOREIGN);
		check_int(stream_barrier(&s, runs[i], 7, false), STREAM_FOREIGN);
		check_int(stream_abort(&s, runs[i]), STREAM_FOREIGN);
		check_int(stream_unknown(&s, runs[i]), STREAM_FOREIGN);
		check_int(s.state, before.state);
		check_int(s.epoch, before.epoch);
		check_int(s.watermark_ns, before.watermark_ns);
		check_int(stream_barrier(&s, &ours, 42, false), STREAM_FINE);
	}
}

void test_barriers_must_be_consecutive(void)
{
	static const char why[] = "a barrier that does not follow the one before it";
	static const uint64_t wrong[] = {0, 40, 41, 43, 1000, UINT64_MAX};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct stream s = opened();

		check_breach(&s, stream_barrier(&s, &ours, wrong[i], false), why);
		check_breach(&s, stream_barrier(&s, &ours, wrong[i], true), why);
		check_int(s.state, STREAM_OPEN);
		check_int(s.epoch, 41);
	}
	struct stream s = opened();

	check_int(stream_barrier(&s, &ours, 42, false), STREAM_FINE);
	check_breach(&s, stream_barrier(&s, &ours, 42, false), why);
	check_breach(&s, stream_barrier(&s, &ours, 44, false), why);
}

void test_watermarks_must_not_fall(void)
{
	struct stream s = opened();

	check_int(stream_watermark(&s, &ours, -5), STREAM_FINE);
	check_breach(&s, stream_watermark(&s, &ours, -6), "a watermark below the one before it");
	check_int(s.watermark_ns, -5);
	check_int(stream_barrier(&s, &ours, 42, false), STREAM_FINE);
	check_breach(
		&s, stream_watermark(&s, &ours, INT64_MIN), "a watermark below the one before it");
}

static void check_all_breach(struct stream *s, const char *why)
{
	check_breach(s, stream_record(s), why);
	check_breach(s, stream_watermark(s, &ours, INT64_MAX), why);
	check_breach(s, stream_barrier(s, &ours, s->epoch + 1, false), why);
	check_breach(s, stream_barrier(s, &ours, s->epoch + 1, true), why);
	check_breach(s, stream_abort(s, &ours), why);
	check_breach(s, stream_unknown(s, &ours), why);
	/* the caller takes a foreign line for a record, which breaches */
	check_int(stream_watermark(s, &other, 0), STREAM_FOREIGN);
}

void test_nothing_behind_the_last_line(void)
{
	struct stream s = opened();

	check_int(stream_barrier(&s, &ours, 42, true), STREAM_FINE);
	check_all_breach(&s, "a line behind the last barrier");
	s = opened();
	check_int(stream_abort(&s, &ours), STREAM_FINE);
	check_int(s.state, STREAM_ABORTED);
	check_all_breach(&s, "a line behind an abort");
}
