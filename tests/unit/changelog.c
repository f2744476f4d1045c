#include "state/changelog.h"

#include <dirent.h>
#include <xxhash.h>

#include "base/compact.h"
#include "base/die.h"
#include "base/mem.h"
#include "child.h"
#include "random.h"

enum { OLD = 0x1111, RUN = 0x2222, NEW = 0x3333 };

/* A stage's directory, and what a log was told, as lines. */
struct stage {
	char dir[64];
	struct changelog log;
	struct buf told;
};

static void stage_begin(struct stage *s)
{
	snprintf(s->dir, sizeof(s->dir), "/tmp/changelog.XXXXXX");
	check(mkdtemp(s->dir));
	changelog_init(&s->log, s->dir, "state", RUN);
	buf_init(&s->told);
}

static void stage_end(struct stage *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	char path[512];

	changelog_release(&s->log);
	buf_release(&s->told);
	while ((e = readdir(dir)))
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", s->dir, e->d_name);
			check(unlink(path) == 0);
		}
	closedir(dir);
	check(rmdir(s->dir) == 0);
}

static const char *tell(
	void *to, const char *key, size_t key_len, const char *value, size_t value_len)
{
	buf_add(to, key, key_len);
	buf_char(to, value ? '=' : '-');
	buf_add(to, value, value_len);
	buf_char(to, '\n');
	return NULL;
}

static void put_bytes(struct stage *s, const char *key, const char *value, size_t value_len)
{
	changelog_put(&s->log, key, strlen(key), value, value_len);
	tell(&s->told, key, strlen(key), value, value_len);
}

static void put(struct stage *s, const char *key, const char *value)
{
	put_bytes(s, key, value, strlen(value));
}

static void delete (struct stage *s, const char *key)
{
	changelog_delete(&s->log, key, strlen(key));
	tell(&s->told, key, strlen(key), NULL, 0);
}

static json_t *snapshot(struct stage *s)
{
	changelog_sync(&s->log);
	return changelog_files(&s->log);
}

static void check_restored(const struct stage *s, const json_t *files, const char *want, size_t len)
{
	struct changelog l;
	struct buf got;

	buf_init(&got);
	changelog_init(&l, s->dir, "state", NEW);
	changelog_restore(&l, files, tell, &got);
	check_int(got.len, len);
	check(len == 0 || memcmp(got.data, want, len) == 0);
	changelog_release(&l);
	buf_release(&got);
}

static void check_files(const json_t *files, const char *want)
{
	char *got = json_dumps(files, JSON_COMPACT);

	check_text(got, want);
	free(got);
}

static char *path_of(const struct stage *s, const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	return path;
}

static void load(const char *path, struct buf *to)
{
	FILE *f = fopen(path, "rb");
	size_t n;

	check(f);
	buf_clear(to);
	while ((n = fread(buf_reserve(to, 65536), 1, 65536, f)))
		to->len += n;
	fclose(f);
}

static void store(const char *path, const char *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	check(f && fwrite(bytes, 1, len, f) == len && fclose(f) == 0);
}

static const char first_name[] = "state.0000000000002222.000001";
enum { HEADER_LEN = 19 + sizeof(first_name) };

void test_nothing(void)
{
	struct stage s;
	json_t *files;

	stage_begin(&s);
	changelog_sync(&s.log);
	check_int(changelog_roll(&s.log), 0);
	check_int(changelog_roll(&s.log), 0);
	changelog_drop_before(&s.log, 0);
	files = snapshot(&s);
	check_files(files, "[]");
	check_restored(&s, files, "", 0);
	check(access(path_of(&s, first_name), F_OK) != 0);
	json_decref(files);
	stage_end(&s);
}

/* Byte for byte as the header says. */
void test_format(void)
{
	static const char want[] = "ddpipe changelog 1 state.0000000000002222.000001\n"
				   "\x09\0\0\0\0\0\0\0"
				   "........"
				   "\x03\x02k12"
				   "\x02k"
				   "\x01\0";
	struct stage s;
	struct buf got;
	json_t *files;

	stage_begin(&s);
	put(&s, "k", "12");
	delete (&s, "k");
	put(&s, "", "");
	files = snapshot(&s);
	check_files(files, "[{\"name\":\"state.0000000000002222.000001\",\"bytes\":74}]");
	buf_init(&got);
	load(path_of(&s, first_name), &got);
	check_int(got.len, sizeof(want) - 1);
	check(compact_read_word(got.data + HEADER_LEN + 8) ==
		XXH3_64bits_withSeed(want + HEADER_LEN + 16, 9, HEADER_LEN));
	memset(got.data + HEADER_LEN + 8, '.', 8);
	check(memcmp(got.data, want, got.len) == 0);
	check_restored(&s, files, s.told.data, s.told.len);
	buf_release(&got);
	json_decref(files);
	stage_end(&s);
}

void test_cost_of_an_entry(void)
{
	struct stage s;
	enum { N = 100000, BLOCKS = N * 26 / 65536 + 1 };

	stage_begin(&s);
	for (int i = 0; i < N; i++)
		changelog_put(&s.log, "0123456789abcdef", 16, "12345678", 8);
	changelog_sync(&s.log);
	check(changelog_bytes(&s.log) <= HEADER_LEN + N * 26 + BLOCKS * 16);
	check_int(changelog_bytes(&s.log) % 26, (HEADER_LEN + N * 26 + BLOCKS * 16) % 26);
	stage_end(&s);
}

static void random_entries(struct stage *s)
{
	for (uint64_t n = random_below(3000); n; n--) {
		static char value[200];
		char key[24];

		snprintf(
			key, sizeof(key), "%0*u", (int)random_below(12), (unsigned)random_below(9));
		for (size_t i = 0; i < sizeof(value); i += 8)
			*(uint64_t *)(void *)(value + i) = random_next();
		if (random_below(3))
			put_bytes(s, key, value, random_below(sizeof(value)));
		else
			delete (s, key);
	}
	if (random_below(10) == 0) {
		size_t len = random_below(4 << 20);
		char *large = mem_zero(len + 1, 1);

		memset(large, 'x', len);
		put_bytes(s, "large", large, len);
		free(large);
	}
}

/* One run goes on from a snapshot of another, which need not be its last one. */
static void next_run(struct stage *s, uint64_t run, const json_t *files, size_t told)
{
	struct buf got;

	buf_init(&got);
	changelog_release(&s->log);
	changelog_init(&s->log, s->dir, "state", run);
	changelog_restore(&s->log, files, tell, &got);
	check_int(got.len, told);
	check(told == 0 || memcmp(got.data, s->told.data, told) == 0);
	s->told.len = told;
	buf_release(&got);
}

/* Each snapshot of a chain of runs gives what was told until then, whatever came later. */
void test_chain(void)
{
	enum { SNAPSHOTS = 30 };
	struct stage s;
	json_t *files[SNAPSHOTS];
	size_t told[SNAPSHOTS];
	uint64_t run = RUN;

	random_seed();
	stage_begin(&s);
	for (int i = 0; i < SNAPSHOTS; i++) {
		random_entries(&s);
		if (random_below(3) == 0)
			changelog_roll(&s.log);
		random_entries(&s);
		files[i] = snapshot(&s);
		told[i] = s.told.len;
		for (int j = 0; j <= i; j++)
			if (j > i - 3)
				check_restored(&s, files[j], s.told.data, told[j]);
		if (random_below(3) == 0) {
			int back = i && random_below(3) == 0 ? i - 1 : i;

			random_entries(&s); /* and dies before the next barrier */
			next_run(&s, ++run, files[back], told[back]);
			json_decref(files[i]);
			files[i] = snapshot(&s);
			told[i] = s.told.len;
		}
	}
	for (int i = 0; i < SNAPSHOTS; i++)
		json_decref(files[i]);
	stage_end(&s);
}

void test_drop(void)
{
	struct stage s;
	json_t *files;
	uint64_t second, third;
	size_t told;

	stage_begin(&s);
	put(&s, "a", "1");
	second = changelog_roll(&s.log);
	check_int(second, 1);
	told = s.told.len;
	put(&s, "b", "2");
	files = snapshot(&s);
	check_int(json_array_size(files), 2);
	check_restored(&s, files, s.told.data, s.told.len);
	json_decref(files);
	changelog_drop_before(&s.log, second);
	files = snapshot(&s);
	check_files(files, "[{\"name\":\"state.0000000000002222.000002\",\"bytes\":69}]");
	check_restored(&s, files, s.told.data + told, s.told.len - told);
	json_decref(files);
	third = changelog_roll(&s.log);
	check_int(third, 2);
	changelog_drop_before(&s.log, third);
	changelog_drop_before(&s.log, second);
	files = snapshot(&s);
	check_files(files, "[]");
	json_decref(files);
	put(&s, "c", "3");
	files = snapshot(&s);
	check_files(files, "[{\"name\":\"state.0000000000002222.000003\",\"bytes\":69}]");
	check(access(path_of(&s, first_name), F_OK) == 0); /* the sweep's to delete */
	json_decref(files);
	stage_end(&s);
}

/* Positions go on through a restore, whose files are in front. */
void test_drop_of_restored_files(void)
{
	struct stage s;
	json_t *files;

	stage_begin(&s);
	put(&s, "a", "1");
	changelog_roll(&s.log);
	put(&s, "b", "2");
	files = snapshot(&s);
	next_run(&s, NEW, files, s.told.len);
	json_decref(files);
	check_int(changelog_roll(&s.log), 2);
	put(&s, "c", "3");
	check_int(changelog_roll(&s.log), 3);
	changelog_drop_before(&s.log, 1);
	files = snapshot(&s);
	check_restored(&s, files, "b=2\nc=3\n", 8);
	json_decref(files);
	changelog_drop_before(&s.log, 2);
	files = snapshot(&s);
	check_files(files, "[{\"name\":\"state.0000000000003333.000001\",\"bytes\":69}]");
	json_decref(files);
	stage_end(&s);
}

/* Files of other kinds stand in a snapshot's list as well. */
void test_other_kinds(void)
{
	struct stage s;
	json_t *files;

	stage_begin(&s);
	put(&s, "a", "1");
	files = snapshot(&s);
	json_array_insert_new(files, 0,
		json_pack("{s:s,s:i}", "name", "late.0000000000002222.000001", "bytes", 7));
	json_array_append_new(files,
		json_pack("{s:s,s:i}", "name", "states.0000000000002222.000001", "bytes", 7));
	json_array_append_new(
		files, json_pack("{s:s,s:i}", "name", "state.0000000000002222.x", "bytes", 7));
	check_restored(&s, files, s.told.data, s.told.len);
	json_decref(files);
	stage_end(&s);
}

/* The kill in the middle of a write: what lies behind the length is as if it were not there. */
void test_torn_tail(void)
{
	struct stage s;
	struct buf bytes;
	json_t *files;
	size_t told, kept;

	stage_begin(&s);
	buf_init(&bytes);
	put(&s, "a", "1");
	files = snapshot(&s);
	told = s.told.len;
	kept = changelog_bytes(&s.log);
	put(&s, "b", "2");
	delete (&s, "a");
	changelog_sync(&s.log);
	load(path_of(&s, first_name), &bytes);
	for (size_t len = kept; len <= bytes.len; len++) {
		store(path_of(&s, first_name), bytes.data, len);
		check_restored(&s, files, s.told.data, told);
	}
	json_decref(files);
	buf_release(&bytes);
	stage_end(&s);
}

static void small_log(struct stage *s, struct buf *bytes)
{
	stage_begin(s);
	put(s, "key", "value");
	changelog_sync(&s->log);
	delete (s, "key");
	put(s, "other", "");
	changelog_sync(&s->log);
	buf_init(bytes);
	load(path_of(s, first_name), bytes);
}

void test_damage_is_found(void)
{
	struct stage s;
	struct buf bytes;
	const char *path;
	uint64_t offset;

	small_log(&s, &bytes);
	path = path_of(&s, first_name);
	check(!changelog_check(path, bytes.len, &offset));
	check_int(offset, bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[i] ^= (char)(1 << bit);
			store(path, bytes.data, bytes.len);
			check(changelog_check(path, bytes.len, &offset));
			check(offset <= i && offset + 40 > i - (i < HEADER_LEN ? i : 0));
			bytes.data[i] ^= (char)(1 << bit);
		}
	for (size_t i = 0; i < bytes.len; i++) {
		store(path, bytes.data, i);
		check(changelog_check(path, bytes.len, &offset));
		check(offset <= i);
	}
	store(path, bytes.data, bytes.len);
	for (size_t i = 0; i < bytes.len; i++)
		check(!changelog_check(path, i, &offset) ==
			(i == HEADER_LEN || i == HEADER_LEN + 16 + 10));
	buf_release(&bytes);
	stage_end(&s);
}

/* Blocks of the same length change places: each is whole. */
void test_moved_blocks(void)
{
	enum { BLOCK = 16 + 4 };
	struct stage s;
	struct buf bytes;
	char block[BLOCK], *blocks;
	uint64_t offset;

	stage_begin(&s);
	buf_init(&bytes);
	put(&s, "a", "1");
	changelog_sync(&s.log);
	put(&s, "a", "2");
	changelog_sync(&s.log);
	load(path_of(&s, first_name), &bytes);
	check_int(bytes.len, HEADER_LEN + 2 * BLOCK);
	blocks = bytes.data + HEADER_LEN;
	memcpy(block, blocks, BLOCK);
	memcpy(blocks, blocks + BLOCK, BLOCK);
	memcpy(blocks + BLOCK, block, BLOCK);
	store(path_of(&s, first_name), bytes.data, bytes.len);
	check(changelog_check(path_of(&s, first_name), bytes.len, &offset));
	check_int(offset, HEADER_LEN);
	buf_release(&bytes);
	stage_end(&s);
}

/* A file under the name of another. */
void test_renamed_file(void)
{
	struct stage s;
	struct buf bytes;
	uint64_t offset;
	const char *path;

	small_log(&s, &bytes);
	path = path_of(&s, "state.0000000000002222.000002");
	store(path, bytes.data, bytes.len);
	check_text(changelog_check(path, bytes.len, &offset),
		"it does not begin as a log of this version and name");
	check_int(offset, 0);
	path = path_of(&s, "state.0000000000002222.000009");
	check_text(changelog_check(path, 1, &offset), "it is not there");
	buf_release(&bytes);
	stage_end(&s);
}

static const char *refuse(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	(void)context, (void)key, (void)key_len, (void)value_len;
	return value ? NULL : "an entry is not one of ours";
}

static const char *take_all(
	void *context, const char *key, size_t key_len, const char *value, size_t value_len)
{
	(void)context, (void)key, (void)key_len, (void)value, (void)value_len;
	return NULL;
}

struct restore {
	struct stage *stage;
	changelog_handler *handler;
	size_t bytes;
};

static void restore(void *context)
{
	struct restore *r = context;
	struct changelog l;
	json_t *files = json_pack("[{s:s,s:I}]", "name", first_name, "bytes", (json_int_t)r->bytes);

	changelog_init(&l, r->stage->dir, "state", NEW);
	changelog_restore(&l, files, r->handler, NULL);
	changelog_release(&l);
	json_decref(files);
}

/* Names the file, the byte, why, and what to do. */
static void check_dies(struct restore *r, size_t offset, const char *why)
{
	struct child c;
	char want[128];

	child_run(&c, restore, r);
	check_int(c.status, EX_IOERR);
	check(strstr(c.err, path_of(r->stage, first_name)));
	snprintf(want, sizeof(want), "at byte %zu: %s; ", offset, why);
	check(strstr(c.err, want));
	check(strstr(c.err, "--rewind"));
}

void test_damage_ends_the_process(void)
{
	struct stage s;
	struct buf bytes;
	struct restore r = {.stage = &s, .handler = take_all};
	struct child c;

	small_log(&s, &bytes);
	r.bytes = bytes.len;
	child_run(&c, restore, &r);
	check_int(c.status, 0);
	bytes.data[bytes.len - 1] ^= 1;
	store(path_of(&s, first_name), bytes.data, bytes.len);
	check_dies(&r, HEADER_LEN + 26, "the checksum of a block is wrong");
	bytes.data[bytes.len - 1] ^= 1;
	store(path_of(&s, first_name), bytes.data, bytes.len - 1);
	check_dies(&r, HEADER_LEN + 26, "it is shorter than it was");
	store(path_of(&s, first_name), bytes.data, bytes.len);
	r.handler = refuse;
	check_dies(&r, HEADER_LEN + 26, "an entry is not one of ours");
	unlink(path_of(&s, first_name));
	check_dies(&r, 0, "it is not there");
	buf_release(&bytes);
	stage_end(&s);
}

static void write_one(void *context)
{
	struct stage *s = context;
	struct changelog l;

	changelog_init(&l, s->dir, "state", RUN);
	changelog_put(&l, "a", 1, "1", 1);
	changelog_sync(&l);
	changelog_release(&l);
}

/* A run's file is never opened again, not even by a run of the same name. */
void test_no_file_is_written_twice(void)
{
	struct stage s;
	struct child c;
	struct buf bytes, after;

	small_log(&s, &bytes);
	buf_init(&after);
	child_run(&c, write_one, &s);
	check_int(c.status, EX_CONFIG);
	check(strstr(c.err, first_name));
	load(path_of(&s, first_name), &after);
	check(after.len == bytes.len && memcmp(after.data, bytes.data, after.len) == 0);
	buf_release(&after);
	buf_release(&bytes);
	stage_end(&s);
}
