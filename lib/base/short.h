/* Runs of bytes that are mostly eight to sixteen: as two words that may have some of them in
 * common, which takes no call and no loop. */
#ifndef SHORT_H
#define SHORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct short_words {
	uint64_t first, last;
};

static inline bool short_is(size_t len)
{
	return len - sizeof(uint64_t) <= sizeof(uint64_t);
}

/* The words of a run for which short_is true. */
static inline struct short_words short_load(const char *from, size_t len)
{
	struct short_words w;

	memcpy(&w.first, from, sizeof(w.first));
	memcpy(&w.last, from + len - sizeof(w.last), sizeof(w.last));
	return w;
}

static inline void short_store(char *to, struct short_words w, size_t len)
{
	memcpy(to, &w.first, sizeof(w.first));
	memcpy(to + len - sizeof(w.last), &w.last, sizeof(w.last));
}

/* memcpy of any run. */
static inline void short_copy(char *to, const char *from, size_t len)
{
	if (short_is(len))
		short_store(to, short_load(from, len), len);
	else
		memcpy(to, from, len);
}

/* Whether two runs for which short_is is true are the same. */
static inline bool short_same(const char *a, const char *b, size_t len)
{
	struct short_words x = short_load(a, len), y = short_load(b, len);

	return !((x.first ^ y.first) | (x.last ^ y.last));
}

/* Whether memcmp of any runs is 0. */
static inline bool short_equal(const char *a, const char *b, size_t len)
{
	return short_is(len) ? short_same(a, b, len) : memcmp(a, b, len) == 0;
}

#endif
