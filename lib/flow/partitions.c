#include "flow/partitions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/mem.h"

enum { HEAP_MIN = 16 };

void partitions_init(struct partitions *p, int64_t max_jump_ns, size_t limit)
{
	assert(limit > 0);
	*p = (struct partitions){.max_jump_ns = max_jump_ns, .limit = limit};
	index_init(&p->by_key);
}

void partitions_release(struct partitions *p)
{
	for (size_t i = 0; p->by_key.slots && i <= p->by_key.mask; i++)
		free(p->by_key.slots[i].item);
	index_release(&p->by_key);
	free(p->heap);
}

/* The heap: the least maximum stands at place 1, those below place n at 2n and 2n + 1. */

static bool is_behind(const struct partition *a, const struct partition *b)
{
	return a->belief.max_ns < b->belief.max_ns;
}

static void stand(struct partitions *p, struct partition *one, size_t place)
{
	p->heap[place] = one;
	one->place = place;
}

static void sift_up(struct partitions *p, struct partition *one, size_t place)
{
	while (place > 1 && is_behind(one, p->heap[place / 2])) {
		stand(p, p->heap[place / 2], place);
		place /= 2;
	}
	stand(p, one, place);
}

static void sift_down(struct partitions *p, struct partition *one, size_t place)
{
	size_t below;

	while ((below = place * 2) <= p->holding) {
		if (below < p->holding && is_behind(p->heap[below + 1], p->heap[below]))
			below++;
		if (!is_behind(p->heap[below], one))
			break;
		stand(p, p->heap[below], place);
		place = below;
	}
	stand(p, one, place);
}

static void hold(struct partitions *p, struct partition *one)
{
	if (p->holding + 1 >= p->heap_cap) {
		p->heap_cap = p->heap_cap ? p->heap_cap * 2 : HEAP_MIN;
		p->heap = mem_resize(p->heap, p->heap_cap * sizeof(struct partition *));
	}
	sift_up(p, one, ++p->holding);
}

static void let_go(struct partitions *p, struct partition *one)
{
	struct partition *moved = p->heap[p->holding--];
	size_t place = one->place;

	one->place = 0;
	if (moved == one)
		return;
	sift_up(p, moved, place);
	sift_down(p, moved, moved->place);
}

/* The lists */

static void leave(struct partition *one)
{
	struct partition_list *list = one->list;

	*(one->before ? &one->before->behind : &list->first) = one->behind;
	*(one->behind ? &one->behind->before : &list->last) = one->before;
	list->count--;
}

static void join(struct partition_list *list, struct partition *one)
{
	one->list = list;
	one->before = list->last;
	one->behind = NULL;
	*(list->last ? &list->last->behind : &list->first) = one;
	list->last = one;
	list->count++;
}

static void move(struct partition_list *to, struct partition *one)
{
	if (to->last == one)
		return;
	if (one->list)
		leave(one);
	join(to, one);
}

/* Finding */

struct wanted {
	const char *key;
	size_t len;
};

static bool is_it(const void *item, const void *wanted)
{
	const struct partition *one = item;
	const struct wanted *w = wanted;

	return one->key_len == w->len && memcmp(one->key, w->key, w->len) == 0;
}

static bool make_room(struct partitions *p)
{
	struct partition *oldest;

	while (p->by_key.count >= p->limit) {
		oldest = p->idle.first;
		if (!oldest)
			return false;
		leave(oldest);
		index_remove(&p->by_key, oldest->hash, oldest);
		free(oldest);
	}
	return true;
}

struct partition *partitions_find(struct partitions *p, const char *key, size_t len)
{
	struct wanted wanted = {key, len};
	uint64_t hash = hash_bytes(key, len);
	struct partition *one = index_find(&p->by_key, hash, is_it, &wanted);

	if (one || !make_room(p))
		return one;
	one = mem_alloc(sizeof(*one) + len);
	*one = (struct partition){.hash = hash, .key_len = len};
	memcpy(one->key, key, len);
	index_add(&p->by_key, hash, one);
	return one;
}

int partitions_take(struct partitions *p, struct partition *one, int64_t time_ns, int64_t clock_ns)
{
	int what = belief_take(&one->belief, time_ns, p->max_jump_ns);

	one->seen_ns = clock_ns;
	move(&p->talking, one);
	if (one->place)
		sift_down(p, one, one->place); /* a maximum never falls */
	else if (one->belief.has_max)
		hold(p, one);
	return what;
}

const struct partition *partitions_lowest(const struct partitions *p)
{
	return p->holding ? p->heap[1] : NULL;
}

const struct partition *partitions_next(const struct partitions *p)
{
	if (p->holding < 2)
		return NULL;
	return p->holding > 2 && is_behind(p->heap[3], p->heap[2]) ? p->heap[3] : p->heap[2];
}

const struct partition *partitions_silence(struct partitions *p, int64_t clock_ns)
{
	struct partition *one = p->talking.first;

	if (!one || one->seen_ns > clock_ns)
		return NULL;
	move(&p->idle, one);
	if (one->place)
		let_go(p, one);
	return one;
}

/* Keeping them: both lists in their order, the heap follows from them. */

enum { HAS_MAX = 1, HAS_CANDIDATE = 2 };

static void pack_one(const struct partition *one, int64_t clock_ns, struct buf *to)
{
	const struct belief *b = &one->belief;

	compact_add_bytes(to, one->key, one->key_len);
	compact_add_signed(to, time_minus(clock_ns, one->seen_ns));
	compact_add(to, (b->has_max ? HAS_MAX : 0) | (b->has_candidate ? HAS_CANDIDATE : 0));
	if (b->has_max)
		compact_add_signed(to, b->max_ns);
	if (b->has_candidate)
		compact_add_signed(to, b->candidate_ns);
}

static void pack_list(const struct partition_list *list, int64_t clock_ns, struct buf *to)
{
	compact_add(to, list->count);
	for (const struct partition *one = list->first; one; one = one->behind)
		pack_one(one, clock_ns, to);
}

void partitions_pack(const struct partitions *p, int64_t clock_ns, struct buf *to)
{
	pack_list(&p->idle, clock_ns, to);
	pack_list(&p->talking, clock_ns, to);
}

static bool unpack_belief(struct belief *b, const char **at, const char *end)
{
	uint64_t what;

	if (!compact_take(at, end, &what) || what > (HAS_MAX | HAS_CANDIDATE))
		return false;
	b->has_max = what & HAS_MAX;
	b->has_candidate = what & HAS_CANDIDATE;
	return (!b->has_max || compact_take_signed(at, end, &b->max_ns)) &&
	       (!b->has_candidate || compact_take_signed(at, end, &b->candidate_ns));
}

static struct partition *unpack_one(
	struct partitions *p, int64_t clock_ns, const char **at, const char *end)
{
	struct partition *one;
	const char *key;
	int64_t age_ns;
	size_t len;

	if (!compact_take_bytes(at, end, &key, &len) || !compact_take_signed(at, end, &age_ns))
		return NULL;
	one = partitions_find(p, key, len);
	if (one->list || !unpack_belief(&one->belief, at, end))
		return NULL;
	one->seen_ns = time_minus(clock_ns, age_ns);
	return one;
}

static bool unpack_list(struct partitions *p, struct partition_list *list, int64_t clock_ns,
	const char **at, const char *end)
{
	uint64_t count;

	if (!compact_take(at, end, &count))
		return false;
	for (; count; count--) {
		struct partition *one = unpack_one(p, clock_ns, at, end);

		if (!one)
			return false;
		join(list, one);
		if (list == &p->talking && one->belief.has_max)
			hold(p, one);
	}
	return true;
}

bool partitions_unpack(struct partitions *p, int64_t clock_ns, const char **at, const char *end)
{
	size_t limit = p->limit;
	bool done;

	p->limit = SIZE_MAX;
	done = unpack_list(p, &p->idle, clock_ns, at, end) &&
	       unpack_list(p, &p->talking, clock_ns, at, end);
	p->limit = limit;
	return done;
}
