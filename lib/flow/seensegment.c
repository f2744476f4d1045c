#include "flow/seensegment.h"

#include <string.h>

#include "base/pages.h"

enum {
	TAIL_PLACES = 64, /* behind the homes: with keys spread evenly it hardly runs over */
};

/* What a segment without memory looks at: one free place. */
static uint64_t nothing[16];

const struct seen_segment seensegment_empty = {.slots = (char *)nothing};

void seensegment_resize(struct seen *s, struct seen_segment *g, size_t bytes)
{
	g->slots = pages_resize(g->bytes ? g->slots : NULL, g->bytes, bytes);
	s->bytes += bytes - g->bytes;
	g->bytes = bytes;
	if (!bytes)
		g->slots = seensegment_empty.slots;
}

/* As so much memory has it. Five sixths full at most: beyond that, gaps are far away. */
static void measure(const struct seen *s, struct seen_segment *g, size_t bytes)
{
	size_t places = bytes / s->slot_bytes;
	size_t tail = places / 8 < TAIL_PLACES ? places / 8 : TAIL_PLACES;

	g->last = places ? places - 1 : 0;
	g->homes = g->last - (places ? tail : 0);
	g->limit = g->homes - g->homes / 6;
}

size_t seensegment_bytes_for(const struct seen *s, size_t count)
{
	size_t places = count + count / 4;

	places += places / 7 < TAIL_PLACES ? places / 7 : TAIL_PLACES;
	return count ? pages_round((places + 2) * s->slot_bytes) : 0;
}

size_t seensegment_gather(const struct seen *s, const struct seen_segment *g, int64_t clock_ns)
{
	char *to = g->slots;
	size_t place = 0;

	while (place < g->last) {
		const char *from = (char *)seen_slot_at(s, g, place);
		size_t begin = place, len;

		while (place < g->last && seen_counts(s, seen_slot_at(s, g, place), clock_ns))
			place++;
		len = (place - begin) * s->slot_bytes;
		if (len && to != from)
			memmove(to, from, len);
		to += len;
		place++;
	}
	return (size_t)(to - g->slots) / s->slot_bytes;
}

/* Word by word: it is a few only. */
static void copy_slot(const struct seen *s, struct seen_slot *to, const struct seen_slot *from)
{
	for (size_t at = 0; at < s->slot_bytes; at += sizeof(uint64_t))
		memcpy((char *)to + at, (const char *)from + at, sizeof(uint64_t));
}

static void set_free(const struct seen *s, struct seen_segment *g, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		seen_slot_at(s, g, i)->key.high = 0;
}

/*
 * Brings `count` keys from the end of the array, where they stand without gaps, to their places.
 * None goes behind where it was, so none is overwritten that has not been moved. False if one would
 * have to: then there are too many near the end.
 */
static bool spread(const struct seen *s, struct seen_segment *g, size_t count)
{
	size_t from = g->last - count, to = 0;

	for (; from < g->last; from++) {
		const struct seen_slot *slot = seen_slot_at(s, g, from);
		size_t home = seen_home(s, g, slot->key.high), place = home > to ? home : to;

		if (place > from) {
			set_free(s, g, to, from);
			return false;
		}
		set_free(s, g, to, place);
		if (place != from)
			copy_slot(s, seen_slot_at(s, g, place), slot);
		to = place + 1;
	}
	set_free(s, g, to, g->last + 1);
	return true;
}

void seensegment_lay_out(struct seen *s, struct seen_segment *g, size_t count, size_t bytes)
{
	while (true) {
		if (bytes > g->bytes)
			seensegment_resize(s, g, bytes);
		measure(s, g, bytes);
		memmove(seen_slot_at(s, g, g->last - count), g->slots, count * s->slot_bytes);
		if (spread(s, g, count))
			break;
		seensegment_gather(s, g, INT64_MIN);
		bytes = pages_round(bytes + bytes / 4 + 1);
	}
	if (bytes < g->bytes)
		seensegment_resize(s, g, bytes);
	s->count -= g->count - count;
	g->count = count;
}
