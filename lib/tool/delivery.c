#include "tool/delivery.h"

#include <stdlib.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "base/units.h"
#include "io/loop.h"
#include "io/random.h"

struct carried {
	struct record record; /* its bytes are in the batch, from here on: */
	size_t at;
};

void delivery_init(struct delivery *d, struct filter *f, struct helper *h)
{
	*d = (struct delivery){.filter = f, .helper = h};
	bisect_init(&d->left);
}

void delivery_release(struct delivery *d)
{
	bisect_release(&d->left);
	buf_release(&d->lines);
	buf_release(&d->piece);
	buf_release(&d->words);
	free(d->held);
	free(d->again);
	free(d->refused);
}

void delivery_hold(struct delivery *d, const struct record *r)
{
	if (d->count == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 512;
		d->held = mem_resize(d->held, d->cap * sizeof(*d->held));
		d->again = mem_resize(d->again, d->cap * sizeof(*d->again));
		d->refused = mem_resize(d->refused, d->cap * sizeof(*d->refused));
	}
	d->held[d->count++] = (struct carried){.record = *r, .at = d->lines.len};
	buf_add(&d->lines, r->bytes, r->len + 1);
}

static void refuse(struct delivery *d, size_t number, const struct helper_verdict *v)
{
	struct record *r = &d->held[number].record;

	r->bytes = d->lines.data + d->held[number].at;
	filter_reject(d->filter, r, v->reason, v->detail);
}

static void piece_make(struct delivery *d, const size_t *numbers, size_t count)
{
	buf_clear(&d->piece);
	for (size_t i = 0; i < count; i++) {
		const struct carried *h = &d->held[numbers[i]];

		buf_add(&d->piece, d->lines.data + h->at, h->record.len + 1);
	}
}

/* The verdict in one line. A destination's own words may be a page of HTML. */
static const char *words(struct delivery *d, const struct helper_verdict *v)
{
	buf_clear(&d->words);
	buf_text(&d->words, v->reason);
	if (v->detail && *v->detail)
		buf_format(&d->words, ": %s", v->detail);
	for (size_t i = 0; i < d->words.len; i++)
		if (d->words.data[i] >= 0 && d->words.data[i] < ' ')
			d->words.data[i] = ' ';
	return buf_string(&d->words);
}

static void give_up(struct delivery *d, const struct helper_verdict *v) __attribute__((noreturn));

static void give_up(struct delivery *d, const struct helper_verdict *v)
{
	char lasted[UNITS_DURATION_TEXT_MAX];
	int64_t ns = loop_now_ns() - d->retry.since_ns;

	units_duration_text(ns - ns % (NS_PER_S / 10), lasted);
	die(EX_UNAVAILABLE, "%s; gave up at try %llu after %s, with %llu records %s", words(d, v),
		(unsigned long long)d->retry.failures, lasted,
		(unsigned long long)balance_unfinished(&d->filter->balance),
		d->follower ? "left in the spool" : "not delivered");
}

/* Waits until the next try is due. */
static void wait_to_retry(struct delivery *d, const struct helper_verdict *v, uint64_t at_least_ms)
{
	int64_t at_ns;

	if (!retry_failed(&d->retry, loop_now_ns(), random_number(), at_least_ms, &at_ns))
		give_up(d, v);
	if (d->retry.failures == 1 && !d->filter->quiet)
		warn("%s; trying again", words(d, v));
	if (d->follower) {
		d->follower->wait(d->follower_state, at_ns);
		return;
	}
	while (loop_now_ns() < at_ns)
		filter_wait(d->filter, -1, at_ns);
}

/* Settled first: a refusal may be the end. */
static void step_take(
	struct delivery *d, const struct delivery_step *s, const size_t *numbers, size_t count)
{
	if (s->halves) {
		bisect_halve(&d->left);
		return;
	}
	filter_settle(d->filter, count - s->left_count - s->refused_count);
	for (size_t i = 0; i < s->refused_count; i++)
		refuse(d, numbers[s->refused[i].place], &s->refused[i].verdict);
	bisect_keep(&d->left, s->left, s->left_count);
}

static void step_make(
	struct delivery *d, const struct delivery_step *s, const size_t *numbers, size_t count)
{
	if (d->follower)
		d->follower->step(d->follower_state, s);
	step_take(d, s, numbers, count);
}

/* All of the piece was taken but for the exceptions. */
static void take_exceptions(
	struct delivery *d, const size_t *numbers, size_t count, const struct helper_answer *answer)
{
	struct delivery_step s = {.left = d->again, .refused = d->refused};
	const struct helper_verdict *last = NULL;

	for (size_t i = 0; i < answer->exception_count; i++) {
		const struct helper_exception *e = &answer->exceptions[i];

		if (e->verdict.outcome == HELPER_REJECTED) {
			d->refused[s.refused_count++] = *e;
		} else {
			d->again[s.left_count++] = e->place;
			last = &e->verdict;
		}
	}
	if (s.left_count < count) {
		retry_reset(&d->retry);
		step_make(d, &s, numbers, count);
	}
	if (last)
		wait_to_retry(d, last, answer->retry_after_ms);
}

static void take_refusal(struct delivery *d, const size_t *numbers, size_t count,
	const struct helper_verdict *verdict)
{
	const struct helper_exception one = {.place = 0, .verdict = *verdict};
	struct delivery_step s = {.halves = true};

	if (count == 1)
		s = (struct delivery_step){.refused = &one, .refused_count = 1};
	step_make(d, &s, numbers, count);
}

static void take_answer(
	struct delivery *d, const size_t *numbers, size_t count, const struct helper_answer *answer)
{
	switch (answer->all.outcome) {
	case HELPER_ACCEPTED:
		take_exceptions(d, numbers, count, answer);
		return;
	case HELPER_REJECTED:
		retry_reset(&d->retry);
		take_refusal(d, numbers, count, &answer->all);
		return;
	case HELPER_RETRY:
		wait_to_retry(d, &answer->all, answer->retry_after_ms);
		return;
	}
}

void delivery_begin(struct delivery *d)
{
	bisect_begin(&d->left, d->count);
}

/* Whether it could have been made for a piece of so many records. */
static bool is_step_for(const struct delivery_step *s, size_t count)
{
	if (s->halves)
		return count > 1;
	for (size_t i = 0; i < s->left_count; i++)
		if (s->left[i] >= count || (i && s->left[i] <= s->left[i - 1]))
			return false;
	for (size_t i = 0; i < s->refused_count; i++)
		if (s->refused[i].place >= count)
			return false;
	return s->left_count + s->refused_count <= count;
}

bool delivery_repeat(struct delivery *d, const struct delivery_step *step)
{
	size_t count;
	const size_t *numbers = bisect_next(&d->left, &count);

	if (!numbers || !is_step_for(step, count))
		return false;
	step_take(d, step, numbers, count);
	return true;
}

/* What was cut when other bounds held is refused here, as if by the helper. */
static bool is_too_much(const struct delivery *d, size_t count)
{
	return count > d->helper->max_records || d->piece.len > d->helper->max_bytes;
}

void delivery_go_on(struct delivery *d)
{
	static const struct helper_answer too_much = {
		.all = {.outcome = HELPER_REJECTED, .reason = "too_big"}};
	struct helper_answer answer;
	const size_t *numbers;
	size_t count;

	while ((numbers = bisect_next(&d->left, &count))) {
		piece_make(d, numbers, count);
		if (is_too_much(d, count)) {
			take_answer(d, numbers, count, &too_much);
			continue;
		}
		if (d->follower)
			d->follower->piece(d->follower_state, numbers, count);
		helper_batch(d->helper, d->piece.data, d->piece.len, count, &answer);
		take_answer(d, numbers, count, &answer);
	}
	buf_clear(&d->lines);
	d->count = 0;
}

void delivery_send(struct delivery *d)
{
	delivery_begin(d);
	delivery_go_on(d);
}

const struct record *delivery_record(const struct delivery *d, size_t number)
{
	return &d->held[number].record;
}
