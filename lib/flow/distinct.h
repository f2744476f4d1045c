/*
 * How many different byte strings there were.
 *
 * Exact up to DISTINCT_EXACT_MAX: their 128-bit hashes (XXH3) are kept. (Among 4096 strings that
 * nobody made up for the purpose, two have the same hash once in 10^31 times.) Beyond that an
 * estimate, by HyperLogLog of 2^14 registers (Flajolet, Fusy, Gandouet, Meunier 2007) with 64-bit
 * hashes and the estimator of Ertl 2017 ("New cardinality estimation algorithms for HyperLogLog
 * sketches", algorithm 6), which has no bias at any count and needs no tables. Its standard error
 * is 1.04 / sqrt(2^14), 0.81 %.
 *
 * What is kept is a function of the set of strings: no order, repetition or merging changes it.
 * Zeros are the empty state, and take no heap.
 */
#ifndef DISTINCT_H
#define DISTINCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { DISTINCT_EXACT_MAX = 4096, DISTINCT_REGISTERS = 1 << 14 };

/* At most one of them is there. */
struct distinct {
	struct distinct_set *set;
	unsigned char *registers;
};

void distinct_release(struct distinct *d);

/* The heap that it takes: 32 bytes a string at most, and 40 at first, to 128 KiB; then 16 KiB. */
size_t distinct_bytes(const struct distinct *d);

/* Amortised O(len). */
void distinct_add(struct distinct *d, const void *bytes, size_t len);

/* Adds all of another one. */
void distinct_merge(struct distinct *d, const struct distinct *from);

/* The number, or its estimate. O(1) while exact. */
uint64_t distinct_count(const struct distinct *d);

/* Appends "distinct.1." and what follows; the same text for the same set. */
void distinct_print(const struct distinct *d, struct buf *to);

/* Reads that back into an empty one, which stays empty if it fails with a static reason. */
const char *distinct_parse(struct distinct *d, const char *text, size_t len);

/* Appends it for state on disk: 16 bytes a string while exact, then 13 KB. O(n). */
void distinct_pack(const struct distinct *d, struct buf *to);

/* Takes that into an empty one, which goes on as the packed one would. False for damage, and it
 * stays empty. */
bool distinct_unpack(struct distinct *d, const char **at, const char *end);

#endif
