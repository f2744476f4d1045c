#include "tool/sending.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/mem.h"
#include "io/loop.h"

struct work {
	const struct sending *s;
	const struct sender_work *sender;
	struct filter *filter;
	struct delivery *batch;
	struct spool_chain *chain;
	uint64_t position;

	struct spool_segment segment; /* of the frame in hand; borrows the chain's name */
	struct spool_frame frame;
	struct buf lines, key, name;
	char *open_name; /* of the segment that fd is of; NULL: none */
	int fd;

	enum sender_order_kind order; /* the last one */
	uint64_t retries_most;        /* as the options say */
	int64_t retry_for_ns;
	int64_t pause_ns; /* when a pause is over */
};

/* Ends */

static void leave(struct work *w) __attribute__((noreturn));

static void leave(struct work *w)
{
	helper_end(&w->s->destination->helper);
	exit(EX_OK);
}

static void leave_rest(struct work *w) __attribute__((noreturn));

static void leave_rest(struct work *w)
{
	die(EX_TEMPFAIL, "%" PRIu64 " records wait in the spool: the next start sends them",
		balance_unfinished(&w->filter->balance));
}

/* Orders */

static void retry_bounded(struct work *w, bool by_time)
{
	retry_reset(&w->batch->retry);
	w->batch->retry.most = w->retries_most;
	w->batch->retry.for_ns = by_time ? w->retry_for_ns : INT64_MAX;
}

static void obey(struct work *w, const struct sender_order *order)
{
	w->order = (enum sender_order_kind)order->kind;
	switch (w->order) {
	case SENDER_SEND:
		spool_chain_grow(w->chain, w->s->checkpoint->run, order->number, order->bytes);
		w->filter->balance.in = order->records;
		return;
	case SENDER_FINISH:
		retry_bounded(w, true);
		return;
	case SENDER_PAUSE:
		retry_bounded(w, false);
		w->pause_ns = time_plus(loop_now_ns(), w->retry_for_ns);
		return;
	case SENDER_STOP:
		return;
	}
}

static void orders_take(struct work *w)
{
	struct sender_order order;

	while (sender_next_order(w->sender, &order))
		obey(w, &order);
}

/* Follows the batch */

static bool has_gaps(const struct record *first, const struct record *last, uint64_t len)
{
	return last->offset + last->len + 1 - first->offset != len;
}

static void key_make(struct work *w, const size_t *numbers, size_t count)
{
	const struct record *first = delivery_record(w->batch, numbers[0]);
	const struct record *last = delivery_record(w->batch, numbers[count - 1]);
	const struct buf *piece = &w->batch->piece;

	buf_clear(&w->key);
	buf_format(&w->key, "%s-%016" PRIx64 ".%" PRIu64 "-%" PRIu64 "-%zu",
		w->s->checkpoint->incarnation, w->segment.run, w->segment.number, first->offset,
		piece->len);
	if (has_gaps(first, last, piece->len))
		buf_format(&w->key, "-%016" PRIx64, hash_bytes(piece->data, piece->len));
}

/* A pause that is over leaves the rest, but with no time at all everything is tried once. */
static bool is_pause_over(const struct work *w)
{
	return w->order == SENDER_PAUSE && w->retry_for_ns && loop_now_ns() >= w->pause_ns;
}

static void on_piece(void *state, const size_t *numbers, size_t count)
{
	struct work *w = state;

	orders_take(w);
	if (w->order == SENDER_STOP)
		leave(w);
	if (is_pause_over(w))
		leave_rest(w);
	key_make(w, numbers, count);
	helper_key(w->batch->helper, buf_string(&w->key));
}

static json_t *places_json(const struct delivery_step *step)
{
	json_t *places = json_array();

	for (size_t i = 0; i < step->left_count; i++)
		json_array_append_new(places, json_integer((json_int_t)step->left[i]));
	return places;
}

/* A reason is [a-z0-9_]+; the destination's own words need not be UTF-8. */
static json_t *refusals_json(const struct delivery_step *step)
{
	json_t *list = json_array();

	for (size_t i = 0; i < step->refused_count; i++) {
		const struct helper_verdict *v = &step->refused[i].verdict;
		json_t *detail = json_string(v->detail ? v->detail : "");

		json_array_append_new(
			list, json_pack("[I, s, o]", (json_int_t)step->refused[i].place, v->reason,
				      detail ? detail : json_string("")));
	}
	return list;
}

static void on_step(void *state, const struct delivery_step *step)
{
	struct work *w = state;
	json_t *entry;

	/* the usual case, that all was taken, is told with the frame's end */
	if (!step->halves && !step->left_count && !step->refused_count &&
		bisect_is_last(&w->batch->left))
		return;
	entry = step->halves ? json_pack("{s:b}", "halved", 1)
			     : json_pack("{s:o, s:o}", "left", places_json(step), "refused",
				       refusals_json(step));
	journal_step(w->s->journal, w->segment.name, w->frame.offset, entry);
}

static void on_wait(void *state, int64_t until_ns)
{
	struct work *w = state;

	for (;;) {
		enum sender_order_kind before;
		int64_t stop_ns =
			w->order == SENDER_PAUSE && w->pause_ns < until_ns ? w->pause_ns : until_ns;
		if (w->order == SENDER_STOP)
			leave(w);
		if (w->order == SENDER_PAUSE && loop_now_ns() >= w->pause_ns)
			leave_rest(w);
		if (loop_now_ns() >= until_ns)
			return;
		filter_wait(w->filter, w->sender->orders, stop_ns);
		before = w->order;
		orders_take(w);
		if (w->order != before && w->order != SENDER_STOP)
			return;
	}
}

static const struct delivery_follower follower = {
	.piece = on_piece,
	.step = on_step,
	.wait = on_wait,
};

/* Frames */

static void die_damaged(const struct work *w, const char *why) __attribute__((noreturn));

static void die_damaged(const struct work *w, const char *why)
{
	die(EX_IOERR,
		"'%s/%s' is damaged at byte %" PRIu64
		": %s; nothing of it and behind it was sent: put it back from a backup, or go "
		"back to an earlier epoch (dd-deliver --rewind)",
		w->s->checkpoint->stage_dir, w->segment.name, w->frame.offset, why);
}

static void segment_open(struct work *w)
{
	struct buf path;

	if (w->open_name && strcmp(w->open_name, w->segment.name) == 0)
		return;
	if (w->open_name)
		close(w->fd);
	free(w->open_name);
	w->open_name = mem_string(w->segment.name);
	buf_init(&path);
	buf_format(&path, "%s/%s", w->s->checkpoint->stage_dir, w->open_name);
	w->fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	if (w->fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", buf_string(&path));
	buf_release(&path);
}

static void frame_load(struct work *w)
{
	uint64_t offset;
	const char *why;

	w->segment = *spool_chain_at(w->chain, w->position);
	offset = w->position - w->segment.start;
	segment_open(w);
	why = spool_head_read(w->fd, offset, w->segment.bytes, &w->frame);
	if (!why)
		why = spool_lines_read(w->fd, w->segment.name, &w->frame, &w->lines);
	if (why)
		die_damaged(w, why);
}

/* A letter says where in the spool its record stood. */
static void frame_hold(struct work *w)
{
	const char *at = w->lines.data, *end = at + w->lines.len;
	struct record r = {.source = w->segment.name, .line = w->frame.first};

	while (at < end) {
		r.bytes = at;
		r.len = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);
		r.length = r.len;
		r.offset = spool_lines_offset(&w->frame) + (uint64_t)(at - w->lines.data);
		delivery_hold(w->batch, &r);
		r.line++;
		at += r.len + 1;
	}
}

/* Steps of a frame that was cut short */

static bool read_places(const json_t *list, size_t *places)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *place = json_array_get(list, i);

		if (!json_is_integer(place) || json_integer_value(place) < 0)
			return false;
		places[i] = (size_t)json_integer_value(place);
	}
	return true;
}

static bool read_refusals(const json_t *list, struct helper_exception *refused)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *reason, *detail;
		json_int_t place;

		if (json_unpack(json_array_get(list, i), "[I, s, s]", &place, &reason, &detail) <
				0 ||
			place < 0)
			return false;
		refused[i] = (struct helper_exception){
			.place = (size_t)place,
			.verdict = {.outcome = HELPER_REJECTED, .reason = reason, .detail = detail},
		};
	}
	return true;
}

static bool step_repeat(struct work *w, const json_t *entry)
{
	const json_t *left = json_object_get(entry, "left");
	const json_t *refused = json_object_get(entry, "refused");
	size_t left_count = json_array_size(left), refused_count = json_array_size(refused);
	size_t *places = mem_zero(left_count + 1, sizeof(*places));
	struct helper_exception *refusals = mem_zero(refused_count + 1, sizeof(*refusals));
	const struct delivery_step step = {
		.halves = json_is_true(json_object_get(entry, "halved")),
		.left = places,
		.left_count = left_count,
		.refused = refusals,
		.refused_count = refused_count,
	};
	bool is_good = read_places(left, places) && read_refusals(refused, refusals) &&
		       delivery_repeat(w->batch, &step);

	free(places);
	free(refusals);
	return is_good;
}

static void steps_repeat(struct work *w)
{
	const json_t *steps = acked_steps(w->s->acked, w->segment.name, w->frame.offset);

	for (size_t i = 0; i < json_array_size(steps); i++)
		if (!step_repeat(w, json_array_get(steps, i)))
			die(EX_IOERR,
				"the journals in '%s' do not fit the frame at byte %" PRIu64
				" of '%s': dd-run --check tells what is there",
				w->s->checkpoint->stage_dir, w->frame.offset, w->segment.name);
}

/* Progress */

static void progress_tell(struct work *w)
{
	struct sender_progress *p = w->sender->progress;
	const struct balance *b = &w->filter->balance;

	atomic_store(&p->journal, journal_place(w->s->journal));
	atomic_store(&p->delivered, b->passed);
	atomic_store(&p->rejected, b->in - b->passed - balance_unfinished(b));
	atomic_store(&p->sent, w->position);
	sender_tell(w->sender);
}

/* Letters are durable before the frame's end is, and seen after it: once each. */
static void frame_finish(struct work *w)
{
	struct deadletters *letters = &w->filter->outlet.letters;
	bool has_letters = letters->path != NULL;

	deadletters_seal(letters);
	journal_end(w->s->journal, w->segment.name, w->frame.next);
	if (has_letters)
		deadletters_publish_batch(letters, letters->batch);
	w->position = w->segment.start + w->frame.next;
	progress_tell(w);
	spool_chain_drop(w->chain, w->position);
}

static void frame_send(struct work *w)
{
	frame_load(w);
	buf_clear(&w->name);
	buf_format(&w->name, "%s.%016" PRIx64, w->segment.name, w->frame.offset);
	deadletters_begin_batch(
		&w->filter->outlet.letters, w->s->checkpoint->incarnation, buf_string(&w->name));
	frame_hold(w);
	delivery_begin(w->batch);
	steps_repeat(w);
	delivery_go_on(w->batch);
	frame_finish(w);
}

/* Begins */

static void work_init(struct work *w, const struct sending *s, const struct sender_work *sender)
{
	struct desthelper *d = s->destination;

	*w = (struct work){
		.s = s,
		.sender = sender,
		.filter = d->filter,
		.batch = &d->batch,
		.chain = s->chain,
		.position = s->position,
		.retries_most = d->batch.retry.most,
		.retry_for_ns = d->batch.retry.for_ns,
	};
	buf_init(&w->lines);
	buf_init(&w->key);
	buf_init(&w->name);
	d->batch.retry.most = UINT64_MAX;
	d->batch.retry.for_ns = INT64_MAX;
	d->batch.follower = &follower;
	d->batch.follower_state = w;
}

/* The filter of this process stands for what is sent, with a balance and letters of its own. */
static void filter_take_over(struct filter *f)
{
	static const struct handlers none;
	struct deadletters parents = f->outlet.letters;

	f->handlers = &none;
	f->passed_word = "sent";
	f->balance = (struct balance){0};
	f->rejects.count = 0;
	deadletters_init(
		&f->outlet.letters, parents.dir, parents.pipeline, parents.stage, parents.run);
	deadletters_release(&parents);
}

void sending_run(void *sending, const struct sender_work *sender)
{
	struct work w;

	work_init(&w, sending, sender);
	filter_take_over(w.filter);
	w.filter->balance.in = w.s->records;
	desthelper_reopen(w.s->destination);
	for (;;) {
		orders_take(&w);
		if (w.order == SENDER_STOP)
			leave(&w);
		if (w.position < w.chain->end)
			frame_send(&w);
		else if (w.order == SENDER_SEND)
			filter_wait(w.filter, sender->orders, LOOP_NEVER);
		else
			leave(&w);
	}
}
