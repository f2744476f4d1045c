/*
 * State on disk, kept by RocksDB: the module that state/disk loads. All that is peculiar to RocksDB
 * and its tuning is here.
 *
 * There is no write-ahead log: what was not in a checkpoint is lost by a crash, as it is to be.
 * Memory is bounded by one cache, for blocks, indexes and filters alike, and two write buffers.
 */
#include "state/diskmodule.h"

#include <errno.h>
#include <rocksdb/c.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

enum { BATCH_BYTES = 64 << 10, ERROR_MAX = 2048, MIB = 1 << 20 };

struct disk_map {
	rocksdb_t *db;
	rocksdb_options_t *options;
	rocksdb_cache_t *cache;
	rocksdb_readoptions_t *reads;
	rocksdb_writeoptions_t *writes;
	rocksdb_writebatch_t *batch; /* not written yet; written before anything is read */
	size_t batch_bytes;
	rocksdb_pinnableslice_t *found; /* what get has lent */
};

struct disk_cursor {
	rocksdb_readoptions_t *reads;
	rocksdb_iterator_t *at;
	char *to; /* of the options, which do not copy it */
	bool is_begun;
};

static char last_error[ERROR_MAX];

/* Frees RocksDB's text. */
static const char *told(char *error)
{
	if (!error)
		return NULL;
	snprintf(last_error, sizeof(last_error), "%s", error);
	free(error);
	return last_error;
}

/* Debian's RocksDB has its assertions on, and some of them fail behind a write that failed: a disk
 * that is full would end the program as a bug does. */

static volatile sig_atomic_t is_inside; /* the program's own thread is, where RocksDB uses files */

static void enter(void)
{
	is_inside = 1;
}

static void leave(void)
{
	is_inside = 0;
}

/* From here abort(3) goes on as ever where it is not RocksDB's. */
static void on_abort(int number)
{
	static const char why[] =
		": RocksDB stopped for what is said above: a disk that is full or "
		"fails, or a bug of its own; what is committed is whole\n";
	const char *name = program_invocation_short_name;

	(void)number;
	if (!is_inside && gettid() == getpid())
		return;
	if (write(STDERR_FILENO, name, strlen(name)) >= 0)
		(void)!write(STDERR_FILENO, why, sizeof(why) - 1);
	_exit(EX_IOERR);
}

/* Options */

static uint64_t at_least(uint64_t value, uint64_t least)
{
	return value < least ? least : value;
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
	return value > most ? most : value;
}

/*
 * What the C interface has no function for. A flush on closing would be for nobody. Files that are
 * compacted are read in large pieces, whatever the system's own readahead is.
 */
static const char *options_text(struct disk_map *m)
{
	rocksdb_options_t *empty = rocksdb_options_create();
	char *error = NULL;

	m->options = rocksdb_options_create();
	rocksdb_get_options_from_string(empty,
		"avoid_flush_during_shutdown=true;stats_persist_period_sec=0;"
		"compaction_readahead_size=262144;allow_concurrent_memtable_write=false",
		m->options, &error);
	rocksdb_options_destroy(empty);
	return told(error);
}

/* Indexes and filters are in pieces, which the cache holds and lets go of as it does blocks. The
 * cache is not strict: a read that found no room would fail. */
static void options_tables(struct disk_map *m, uint64_t cache_bytes)
{
	rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();

	m->cache = rocksdb_cache_create_lru(cache_bytes);
	rocksdb_block_based_options_set_block_cache(t, m->cache);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(t, 1);
	rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(t, 0);
	rocksdb_block_based_options_set_index_type(
		t, rocksdb_block_based_table_index_type_two_level_index_search);
	rocksdb_block_based_options_set_partition_filters(t, 1);
	rocksdb_block_based_options_set_metadata_block_size(t, 4096);
	rocksdb_block_based_options_set_filter_policy(
		t, rocksdb_filterpolicy_create_bloom_full(10));
	rocksdb_block_based_options_set_format_version(t, 5);
	rocksdb_options_set_block_based_table_factory(m->options, t);
	rocksdb_block_based_options_destroy(t);
}

static void options_writing(struct disk_map *m, uint64_t buffer_bytes)
{
	rocksdb_options_t *o = m->options;

	rocksdb_options_set_write_buffer_size(o, buffer_bytes);
	rocksdb_options_set_max_write_buffer_number(o, 2);
	rocksdb_options_set_memtable_whole_key_filtering(o, 1);
	rocksdb_options_set_memtable_prefix_bloom_size_ratio(o, 0.05);
	rocksdb_options_set_max_background_jobs(o, 2);
	rocksdb_options_set_level_compaction_dynamic_level_bytes(o, 1);
	rocksdb_options_set_target_file_size_base(o, 32 * MIB);
	rocksdb_options_set_target_file_size_multiplier(o, 2);
	rocksdb_options_set_max_bytes_for_level_base(o, 256 * MIB);
	rocksdb_options_set_bytes_per_sync(o, MIB);
}

/* Nothing but the map: no log of the past, no statistics. The manifest is copied at each
 * checkpoint, so it begins anew before it is large. */
static void options_files(struct disk_map *m, uint64_t open_files)
{
	rocksdb_options_t *o = m->options;

	rocksdb_options_set_max_open_files(o, (int)open_files);
	rocksdb_options_set_max_manifest_file_size(o, 256 << 10);
	rocksdb_options_set_keep_log_file_num(o, 1);
	/* none: one that can't be written ends in an assertion */
	rocksdb_options_set_info_log_level(o, 4);
	rocksdb_options_set_stats_dump_period_sec(o, 0);
	rocksdb_options_set_is_fd_close_on_exec(o, 1);
	rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
}

/* A sixteenth each for two write buffers; what the cache does not count: tens of KiB an open file,
 * what allocation wastes, and the pieces that a compaction has in hand. */
static const char *options_make(struct disk_map *m, uint64_t memory_bytes)
{
	uint64_t buffer_bytes = at_most(at_least(memory_bytes / 16, 256 << 10), 64 * MIB);
	uint64_t open_files = at_most(at_least(memory_bytes / MIB, 32), 1024);
	uint64_t spent = 2 * buffer_bytes + open_files * (64 << 10) + memory_bytes / 4;
	const char *why = options_text(m);

	if (why)
		return why;
	options_writing(m, buffer_bytes);
	options_files(m, open_files);
	options_tables(m, at_least(memory_bytes > spent ? memory_bytes - spent : 0, 512 << 10));
	return NULL;
}

/* Opening */

/* Some libraries are built without it. */
static const char *open_compressed(struct disk_map *m, const char *dir)
{
	char *error = NULL;

	rocksdb_options_set_compression(m->options, rocksdb_lz4_compression);
	m->db = rocksdb_open(m->options, dir, &error);
	if (error && strstr(error, "not linked")) {
		free(error);
		error = NULL;
		rocksdb_options_set_compression(m->options, rocksdb_no_compression);
		m->db = rocksdb_open(m->options, dir, &error);
	}
	return told(error);
}

static void release(struct disk_map *m)
{
	if (m->found)
		rocksdb_pinnableslice_destroy(m->found);
	rocksdb_writebatch_destroy(m->batch);
	rocksdb_readoptions_destroy(m->reads);
	rocksdb_writeoptions_destroy(m->writes);
	if (m->db)
		rocksdb_close(m->db);
	if (m->options)
		rocksdb_options_destroy(m->options);
	if (m->cache)
		rocksdb_cache_destroy(m->cache);
	free(m);
}

static void map_close(struct disk_map *m)
{
	enter();
	release(m);
	leave();
}

static void map_abandon(struct disk_map *m)
{
	enter();
	rocksdb_cancel_all_background_work(m->db, 1);
	leave();
}

/* Its threads are made now, and get no signals from outside: those are for the program's own. */
static const char *map_open(
	const char *dir, bool is_restored, uint64_t memory_bytes, struct disk_map **map)
{
	struct disk_map *m = calloc(1, sizeof(*m));
	struct sigaction abortion = {.sa_handler = on_abort};
	sigset_t all, before;
	const char *why;

	if (!m)
		return "out of memory";
	m->batch = rocksdb_writebatch_create();
	m->reads = rocksdb_readoptions_create();
	m->writes = rocksdb_writeoptions_create();
	rocksdb_writeoptions_disable_WAL(m->writes, 1);
	sigaction(SIGABRT, &abortion, NULL);
	sigfillset(&all);
	sigdelset(&all, SIGABRT);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	why = options_make(m, memory_bytes);
	enter();
	if (!why) {
		rocksdb_options_set_create_if_missing(m->options, !is_restored);
		rocksdb_options_set_error_if_exists(m->options, !is_restored);
		why = open_compressed(m, dir);
	}
	leave();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why)
		release(m);
	else
		*map = m;
	return why;
}

/* Writing */

static const char *write_batch(struct disk_map *m)
{
	char *error = NULL;

	if (!m->batch_bytes)
		return NULL;
	enter();
	rocksdb_write(m->db, m->writes, m->batch, &error);
	leave();
	rocksdb_writebatch_clear(m->batch);
	m->batch_bytes = 0;
	return told(error);
}

static const char *added(struct disk_map *m, size_t bytes)
{
	m->batch_bytes += bytes;
	return m->batch_bytes >= BATCH_BYTES ? write_batch(m) : NULL;
}

static const char *map_put(struct disk_map *m, struct disk_bytes key, struct disk_bytes value)
{
	rocksdb_writebatch_put(m->batch, key.data, key.len, value.data, value.len);
	return added(m, key.len + value.len + 1);
}

static const char *map_delete(struct disk_map *m, struct disk_bytes key)
{
	rocksdb_writebatch_delete(m->batch, key.data, key.len);
	return added(m, key.len + 1);
}

/* Reading */

static const char *map_get(struct disk_map *m, struct disk_bytes key, struct disk_bytes *value)
{
	const char *why = write_batch(m);
	char *error = NULL;

	*value = (struct disk_bytes){NULL, 0};
	if (why)
		return why;
	if (m->found)
		rocksdb_pinnableslice_destroy(m->found);
	enter();
	m->found = rocksdb_get_pinned(m->db, m->reads, key.data, key.len, &error);
	leave();
	if (m->found)
		value->data = rocksdb_pinnableslice_value(m->found, &value->len);
	/* of no length is not none */
	if (m->found && !value->data)
		value->data = "";
	return told(error);
}

static void cursor_close(struct disk_cursor *c)
{
	rocksdb_iter_destroy(c->at);
	rocksdb_readoptions_destroy(c->reads);
	free(c->to);
	free(c);
}

/* Nowhere yet. NULL: out of memory. */
static struct disk_cursor *cursor_make(struct disk_map *m, struct disk_bytes to)
{
	struct disk_cursor *c = calloc(1, sizeof(*c));
	char *end = c && to.data ? malloc(to.len + 1) : NULL;

	if (!c || (to.data && !end)) {
		free(c);
		return NULL;
	}
	c->to = end;
	c->reads = rocksdb_readoptions_create();
	if (end) {
		memcpy(end, to.data, to.len);
		rocksdb_readoptions_set_iterate_upper_bound(c->reads, end, to.len);
	}
	/* what is read once must not drive out what is read often */
	rocksdb_readoptions_set_fill_cache(c->reads, 0);
	c->at = rocksdb_create_iterator(m->db, c->reads);
	return c;
}

static const char *map_seek(struct disk_map *m, struct disk_bytes from, struct disk_bytes to,
	struct disk_cursor **cursor)
{
	const char *why = write_batch(m);

	if (why)
		return why;
	*cursor = cursor_make(m, to);
	if (!*cursor)
		return "out of memory";
	enter();
	rocksdb_iter_seek((*cursor)->at, from.data, from.len);
	leave();
	return NULL;
}

static const char *cursor_error(const struct disk_cursor *c)
{
	char *error = NULL;

	rocksdb_iter_get_error(c->at, &error);
	return told(error);
}

static const char *cursor_next(
	struct disk_cursor *c, struct disk_bytes *key, struct disk_bytes *value)
{
	*key = *value = (struct disk_bytes){NULL, 0};
	enter();
	if (c->is_begun && rocksdb_iter_valid(c->at))
		rocksdb_iter_next(c->at);
	leave();
	c->is_begun = true;
	if (!rocksdb_iter_valid(c->at))
		return cursor_error(c);
	key->data = rocksdb_iter_key(c->at, &key->len);
	value->data = rocksdb_iter_value(c->at, &value->len);
	return NULL;
}

/* Ranges */

static bool is_before(struct disk_bytes a, struct disk_bytes b)
{
	int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

	return order < 0 || (order == 0 && a.len < b.len);
}

/* Files of which all is in the range go at once: the last key in it bounds them, as RocksDB takes
 * the bound itself for in. */
static const char *drop_files(struct disk_map *m, struct disk_bytes from, struct disk_bytes to)
{
	struct disk_cursor *c = cursor_make(m, to);
	struct disk_bytes last;
	const char *why;
	char *error = NULL;

	if (!c)
		return "out of memory";
	enter();
	rocksdb_iter_seek_for_prev(c->at, to.data, to.len);
	why = cursor_error(c);
	if (!why && rocksdb_iter_valid(c->at)) {
		last.data = rocksdb_iter_key(c->at, &last.len);
		if (!is_before(last, from))
			rocksdb_delete_file_in_range(
				m->db, from.data, from.len, last.data, last.len, &error);
		why = told(error);
	}
	leave();
	cursor_close(c);
	return why;
}

/* Without range tombstones: up to RocksDB 8.5.1 an iterator may lose an error with them, so that
 * damage would not be seen. What a dropped file had hidden in an older one is found here, too. */
static const char *map_delete_range(
	struct disk_map *m, struct disk_bytes from, struct disk_bytes to)
{
	struct disk_cursor *c;
	struct disk_bytes key, value;
	const char *why = write_batch(m);

	if (!why)
		why = drop_files(m, from, to);
	if (!why)
		why = map_seek(m, from, to, &c);
	if (why)
		return why;
	do {
		why = cursor_next(c, &key, &value);
		if (!why && key.data)
			why = map_delete(m, key);
	} while (!why && key.data);
	cursor_close(c);
	return why;
}

static const char *map_checkpoint(struct disk_map *m, const char *dir)
{
	const char *why = write_batch(m);
	rocksdb_checkpoint_t *checkpoint;
	char *error = NULL;

	if (why)
		return why;
	enter();
	checkpoint = rocksdb_checkpoint_object_create(m->db, &error);
	if (checkpoint) {
		rocksdb_checkpoint_create(checkpoint, dir, 0, &error);
		rocksdb_checkpoint_object_destroy(checkpoint);
	}
	leave();
	return told(error);
}

extern const struct disk_module disk_module;

const struct disk_module disk_module = {
	.version = DISK_MODULE_VERSION,
	.open = map_open,
	.close = map_close,
	.abandon = map_abandon,
	.get = map_get,
	.put = map_put,
	.delete = map_delete,
	.delete_range = map_delete_range,
	.seek = map_seek,
	.next = cursor_next,
	.cursor_close = cursor_close,
	.checkpoint = map_checkpoint,
};
