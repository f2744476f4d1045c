#include "tool/sliced.h"

#include <stdlib.h>

#include "base/compact.h"
#include "base/mem.h"
#include "flow/leaders.h"
#include "flow/slices.h"

/*
 * Slices are numbered from the windowing's offset. Where the slide divides the size each is as long
 * as the slide, else there are two to a slide, and windows begin with the even ones. Windows are
 * numbered by their slides, and the value in the store is a struct slices.
 */
enum { KEYS = 'h' };

#define NO_SLICE INT64_MAX

struct sliced {
	struct slices_rule rule;
	struct store_space *keys;
	int64_t rest_ns;   /* of the size, over whole slides */
	int64_t step;      /* slices from window to window */
	int64_t next;      /* the window that gives results next, unless nothing is in it */
	int64_t earliest;  /* no slice is before it, */
	int64_t latest;    /* or behind */
	size_t bytes;      /* of all slices */
	void *state;       /* of a window */
	struct buf packed; /* one state */
};

static struct slices *slices_of(struct table_entry *e)
{
	return (void *)e->value;
}

/* Numbers */

static int64_t slice_of(const struct windower *w, int64_t time_ns)
{
	const struct sliced *s = w->own;
	const struct windowing *k = &w->shape.windowing;
	int64_t from_ns = time_ns - k->offset_ns;
	int64_t slide = time_floor_divide(from_ns, k->slide_ns);

	return s->step == 1 ? slide : 2 * slide + (from_ns - slide * k->slide_ns >= s->rest_ns);
}

/* The first window that has a slice. */
static int64_t first_with(const struct sliced *s, int64_t slice)
{
	return time_floor_divide(slice - s->rule.span, s->step) + 1;
}

static struct window window_of(const struct windower *w, int64_t number)
{
	const struct windowing *k = &w->shape.windowing;
	int64_t start_ns = number * k->slide_ns + k->offset_ns;

	return (struct window){start_ns, start_ns + k->size_ns};
}

/* The first window that takes records at the present watermark. */
static int64_t first_open(const struct windower *w)
{
	const struct sliced *s = w->own;
	const struct windowing *k = &w->shape.windowing;
	int64_t over_ns = w->over_ns;

	if (w->watermark_ns != INT64_MIN && time_minus(w->watermark_ns, w->lateness_ns) > over_ns)
		over_ns = time_minus(w->watermark_ns, w->lateness_ns);
	if (over_ns < INT64_MIN + 3 * k->size_ns)
		return time_floor_divide(INT64_MIN + 2 * s->rule.span, s->step);
	return time_floor_divide(over_ns - k->offset_ns - k->size_ns, k->slide_ns) + 1;
}

/* What the store holds */

static void count_bytes(struct windower *w, struct slices *of, size_t before)
{
	struct sliced *s = w->own;

	s->bytes += slices_bytes(&s->rule, of) - before;
}

static void merge(void *context, void *into, const void *from)
{
	struct windower *w = context;

	aggregates_merge(w->aggregates, into, from);
}

static void clear_state(void *context, void *state)
{
	struct windower *w = context;

	aggregates_clear(w->aggregates, state);
}

static void pack_state(struct windower *w, const void *state, struct buf *to)
{
	struct sliced *s = w->own;

	buf_clear(&s->packed);
	aggregates_pack(w->aggregates, state, &s->packed);
	compact_add_bytes(to, s->packed.data, s->packed.len);
}

static void pack(void *context, const struct table_entry *e, struct buf *to)
{
	struct windower *w = context;
	const struct sliced *s = w->own;
	const struct slices *of = (const void *)e->value;

	compact_add_signed(to, of->first);
	compact_add_signed(to, of->until);
	compact_add(to, of->has_begun);
	if (of->has_begun)
		pack_state(w, of->beginning, to);
	compact_add(to, of->count);
	for (uint32_t i = 0; i < of->count; i++) {
		const struct slice *slice = slices_at(&s->rule, of, i);

		compact_add_signed(to, slice->number);
		pack_state(w, slice->state, to);
	}
}

static bool unpack_state(struct windower *w, void *state, const char **at, const char *end)
{
	const char *bytes;
	size_t len;

	return compact_take_bytes(at, end, &bytes, &len) &&
	       aggregates_unpack(w->aggregates, state, bytes, len);
}

static void widen(struct sliced *s, int64_t slice)
{
	s->earliest = slice < s->earliest ? slice : s->earliest;
	s->latest = slice > s->latest ? slice : s->latest;
}

static bool unpack_slices(struct windower *w, struct slices *of, const char **at, const char *end)
{
	struct sliced *s = w->own;
	uint64_t count;
	int64_t number;

	if (!compact_take(at, end, &count))
		return false;
	for (; count; count--) {
		if (!compact_take_signed(at, end, &number) ||
			(of->count && number <= slices_at(&s->rule, of, of->count - 1)->number) ||
			!unpack_state(w, slices_append(&s->rule, of, number)->state, at, end))
			return false;
		widen(s, number);
	}
	return *at == end;
}

static const char *unpack(void *context, struct table_entry *e, const char *at, const char *end)
{
	struct windower *w = context;
	const struct sliced *s = w->own;
	struct slices *of = slices_of(e);
	uint64_t has_begun;
	bool good = compact_take_signed(&at, end, &of->first) &&
		    compact_take_signed(&at, end, &of->until) &&
		    compact_take(&at, end, &has_begun) && has_begun <= 1 &&
		    (!has_begun || unpack_state(w, slices_begin(&s->rule, of), &at, end)) &&
		    unpack_slices(w, of, &at, end);

	count_bytes(w, of, 0);
	return good ? NULL : "a key's slices are not as they should be";
}

static void clear(void *context, struct table_entry *e)
{
	struct windower *w = context;
	struct sliced *s = w->own;

	s->bytes -= slices_bytes(&s->rule, slices_of(e));
	slices_release(&s->rule, slices_of(e));
}

static void sliced_init(struct windower *w)
{
	const struct windowing *k = &w->shape.windowing;
	struct sliced *s = mem_zero(1, sizeof(*s));

	windower_counts(w, &s->bytes);
	s->rest_ns = k->size_ns % k->slide_ns;
	s->step = s->rest_ns ? 2 : 1;
	s->rule = (struct slices_rule){
		.span = k->size_ns / k->slide_ns * s->step + (s->rest_ns != 0),
		.state_bytes = w->aggregates->state_bytes,
		.context = w,
		.merge = merge,
		.clear = clear_state,
	};
	s->earliest = NO_SLICE;
	s->latest = INT64_MIN;
	s->state = mem_zero(1, w->aggregates->state_bytes + 1);
	buf_init(&s->packed);
	w->own = s;
	windower_holds(w, (struct store_kind){
				  .letter = KEYS,
				  .value_bytes = sizeof(struct slices),
				  .context = w,
				  .pack = pack,
				  .unpack = unpack,
				  .clear = clear,
			  });
}

static void sliced_opened(struct windower *w)
{
	struct sliced *s = w->own;
	struct store_space *kept = store_space(&w->store, KEYS, 0);

	s->keys = kept ? kept : store_open(&w->store, KEYS, 0);
	s->next = first_open(w);
	/* what is on disk was not read: nothing is known of its slices */
	if (w->disk && kept && kept->count)
		s->earliest = s->next * s->step;
}

static void sliced_release(struct windower *w)
{
	struct sliced *s = w->own;

	buf_release(&s->packed);
	free(s->state);
	free(s);
}

/* Taking records */

struct taking {
	struct aggregates *aggregates;
	int64_t time_ns;
};

static void apply(void *context, void *state)
{
	const struct taking *t = context;

	aggregates_apply(t->aggregates, state, t->time_ns);
}

static enum windower_answer sliced_take(struct windower *w, const struct buf *key, int64_t time_ns)
{
	struct sliced *s = w->own;
	struct taking taking = {w->aggregates, time_ns};
	struct table_entry *e;
	struct window window;
	int64_t slice;
	size_t before;

	if (windowing_last(&w->shape.windowing, time_ns, &window) != WINDOWING_FOUND)
		return WINDOWER_BEYOND;
	w->complete_ns = window.end_ns;
	if (windower_is_over(w, window.end_ns))
		return WINDOWER_LATE;
	slice = slice_of(w, time_ns);
	e = windower_enter(w, s->keys, key);
	before = slices_bytes(&s->rule, slices_of(e));
	slices_move(&s->rule, slices_of(e), s->next * s->step);
	slices_take(&s->rule, slices_of(e), slice, apply, &taking);
	count_bytes(w, slices_of(e), before);
	store_note(&w->store, s->keys, e);
	widen(s, slice);
	return WINDOWER_TAKEN;
}

/* Results */

/* A window's result of a key, with a state that is to be let go of; false if it has none. */
static bool begin_result(
	struct windower *w, struct table_entry *e, const struct window *window, struct result *what)
{
	struct sliced *s = w->own;
	struct slices *of = slices_of(e);
	size_t before = slices_bytes(&s->rule, of);
	bool is_there = slices_window(&s->rule, of, s->state);

	count_bytes(w, of, before);
	*what = (struct result){
		.bounds = {true, true, window->start_ns, window->end_ns},
		.key = store_key(s->keys, e),
		.key_len = e->key_len,
		.state = s->state,
	};
	return is_there;
}

static void end_result(struct windower *w)
{
	struct sliced *s = w->own;

	aggregates_clear(w->aggregates, s->state);
}

static void say_row(struct windower *w, struct table_entry *e, const struct window *window)
{
	struct result what;

	if (begin_result(w, e, window, &what))
		results_say(w->results, &what, NULL);
	end_result(w);
}

static bool rank_row(struct windower *w, struct table_entry *e, const struct window *window,
	struct decimal *rank)
{
	struct result what;
	bool is_there = begin_result(w, e, window, &what) && results_make(w->results, &what) &&
			results_rank(w->results, rank);

	end_result(w);
	return is_there;
}

/* Windows before this one are no more; what is left of a key? */
static bool move(struct windower *w, struct table_entry *e, int64_t number)
{
	struct sliced *s = w->own;
	struct slices *of = slices_of(e);

	if (!slices_move(&s->rule, of, number * s->step)) {
		store_delete(&w->store, s->keys, e);
		return false;
	}
	widen(s, slices_at(&s->rule, of, 0)->number);
	widen(s, slices_at(&s->rule, of, of->count - 1)->number);
	return true;
}

/* None is deleted here: the places are those of the second time. */
static void choose(struct windower *w, struct store_scan *c, int64_t number, struct leaders *first)
{
	const struct sliced *s = w->own;
	struct window window = window_of(w, number);
	struct table_entry *e;
	struct decimal rank;

	for (uint64_t place = 1; (e = windower_scan_next(w, c)); place++)
		if (slices_move(&s->rule, slices_of(e), number * s->step) &&
			rank_row(w, e, &window, &rank))
			leaders_add(first, &rank, place);
	leaders_ask(first);
	store_scan_rewind(c);
}

/* With --top the keys are gone through twice. */
static void fire(struct windower *w, int64_t number)
{
	struct sliced *s = w->own;
	struct window window = window_of(w, number);
	struct leaders first;
	struct store_scan c;
	struct table_entry *e;

	s->earliest = NO_SLICE;
	s->latest = INT64_MIN;
	leaders_init(&first, w->results->top);
	store_scan_begin(&c, &w->store, s->keys);
	if (w->results->top)
		choose(w, &c, number, &first);
	for (uint64_t place = 1; (e = windower_scan_next(w, &c)); place++) {
		bool is_chosen = !w->results->top || leaders_has(&first, place);

		if (move(w, e, number) && is_chosen)
			say_row(w, e, &window);
	}
	store_scan_end(&c);
	leaders_release(&first);
}

static void sliced_advance(struct windower *w)
{
	struct sliced *s = w->own;
	int64_t open = w->watermark_ns == INT64_MAX ? INT64_MAX : first_open(w);

	while (s->earliest != NO_SLICE) {
		int64_t due = first_with(s, s->earliest);

		s->next = due > s->next ? due : s->next;
		if (s->next >= open)
			break;
		fire(w, s->next++);
	}
	s->next = open;
}

static int64_t sliced_earliest(const struct windower *w)
{
	const struct sliced *s = w->own;

	return w->watermark_ns == INT64_MIN ? INT64_MIN : window_of(w, s->next).start_ns;
}

/* Those from the next one on to the last that has something. */
static uint64_t sliced_count(const struct windower *w)
{
	const struct sliced *s = w->own;
	int64_t from = s->next;

	if (!w->store.count || s->latest == INT64_MIN)
		return 0;
	from = first_with(s, s->earliest) > from ? first_with(s, s->earliest) : from;
	return (uint64_t)(time_floor_divide(s->latest, s->step) - from + 1);
}

static uint64_t sliced_keys(const struct windower *w)
{
	return w->store.count;
}

const struct window_kind sliced_windows = {
	.init = sliced_init,
	.opened = sliced_opened,
	.release = sliced_release,
	.take = sliced_take,
	.advance = sliced_advance,
	.earliest = sliced_earliest,
	.count = sliced_count,
	.keys = sliced_keys,
};
