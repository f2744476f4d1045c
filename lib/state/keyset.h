/*
 * Which keys have been seen, each with the time it was seen at and, where versions are compared,
 * the newest of them. One interface before several ways to hold them:
 *
 *     keyset_prints    128-bit fingerprints in memory (flow/seen, state/seenlog)
 *     keyset_stored    fingerprints or the keys' own bytes in a state/store: in memory or on disk
 *     keyset_filter    a Bloom filter (flow/bloom): may take a new key for one that was seen
 *
 * With a time to live an entry counts until the clock has come to its time plus that; it is gone
 * then for good, whether or not it is still held. The clock may be set back (by the first
 * watermark); what had run out stays gone. A newer version makes an entry's time that of its
 * record, where that is later; else it stays as it is.
 */
#ifndef KEYSET_H
#define KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/decimal.h"
#include "flow/seen.h"
#include "state/snapshot.h"

struct keyset_conf {
	bool exact;        /* the keys' own bytes are held */
	bool on_disk;      /* --state rocksdb */
	double doubt;      /* the rate of --approximate; 0: exact answers */
	bool has_versions; /* --newest */
	int64_t ttl_ns;    /* SEEN_FOREVER: none */
	uint64_t memory_bytes;
};

struct keyset_key {
	struct fingerprint print;
	const char *bytes; /* of the whole key */
	size_t len;
	int64_t time_ns;        /* where there is a time to live */
	struct decimal version; /* where there are versions */
};

enum keyset_answer {
	KEYSET_NEW,   /* it has been entered */
	KEYSET_NEWER, /* it was there with an older version: this one is entered */
	KEYSET_SAME,  /* it is there (with that version) */
	KEYSET_OLDER, /* it is there with a newer version */
	KEYSET_DOUBT, /* it is probably there */
	KEYSET_FULL,  /* there is no room for it */
};

/* One way to hold them; it begins with this. */
struct keyset;
struct keyset_engine {
	void (*close)(struct keyset *k);
	void (*prefetch)(const struct keyset *k, struct fingerprint print);
	enum keyset_answer (*add)(struct keyset *k, const struct keyset_key *key);
	void (*set_clock)(struct keyset *k, int64_t clock_ns);
	int64_t (*clock_ns)(const struct keyset *k);
	uint64_t (*count)(const struct keyset *k);
	size_t (*bytes)(const struct keyset *k);
	void (*snapshot)(struct keyset *k, struct snapshot *to);
	void (*restore)(struct keyset *k, const struct snapshot *from);
};

struct keyset {
	const struct keyset_engine *engine;
};

/* stage_dir is NULL without a checkpoint. Dies as disk_open does. */
struct keyset *keyset_open(const struct keyset_conf *conf, const char *stage_dir, uint64_t run);
void keyset_close(struct keyset *k);

/* Fetches what keyset_add will look at; a hint. */
void keyset_prefetch(const struct keyset *k, struct fingerprint print);

/* Asks for a key and enters it, or its version and time. Amortised O(1). */
enum keyset_answer keyset_add(struct keyset *k, const struct keyset_key *key);

/* Time stands at clock_ns. */
void keyset_set_clock(struct keyset *k, int64_t clock_ns);
int64_t keyset_clock_ns(const struct keyset *k);

/* How many there are at most, some of which may have run out; and the memory they take. */
uint64_t keyset_count(const struct keyset *k);
size_t keyset_bytes(const struct keyset *k);

/* At a barrier; and into an empty one, of the same conf, but that ttl_ns and memory_bytes may be
 * others: ttl_ns not SEEN_FOREVER where it was something else, or the reverse. */
void keyset_snapshot(struct keyset *k, struct snapshot *to);
void keyset_restore(struct keyset *k, const struct snapshot *from);

#endif
