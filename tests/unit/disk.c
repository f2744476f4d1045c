#include "state/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/die.h"
#include "child.h"
#include "random.h"
#include "state/filehash.h"

enum { MEMORY = 4 << 20, OLD = 0x1111, RUN = 0x2222, KEYS = 500, VALUE_MAX = 3000 };

static char dir[] = "/tmp/disk.XXXXXX";

static void begin(void)
{
	check(mkdtemp(dir));
}

static void end(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	check(system(command) == 0);
}

static void put(struct disk *d, const char *key, const char *value)
{
	disk_put(d, key, strlen(key), value, strlen(value));
}

static void check_got(struct disk *d, const char *key, const char *want)
{
	const char *value;
	char text[VALUE_MAX];
	size_t len;

	if (!disk_get(d, key, strlen(key), &value, &len)) {
		check_text("(none)", want ? want : "(none)");
		return;
	}
	memcpy(text, value, len);
	text[len] = '\0';
	check_text(text, want);
}

/* All from a key to another as KEY=VALUE words. */
static const char *range(struct disk *d, const char *from, const char *to)
{
	struct disk_cursor *c = disk_seek(d, from, strlen(from), to, to ? strlen(to) : 0);
	static char text[1024];
	const char *key, *value;
	size_t key_len, value_len, len = 0;

	text[0] = '\0';
	while (disk_next(c, &key, &key_len, &value, &value_len))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s=%.*s",
			len ? " " : "", (int)key_len, key, (int)value_len, value);
	disk_cursor_close(c);
	return text;
}

void test_map(void)
{
	struct disk *d = disk_open(NULL, 0, MEMORY);

	check_got(d, "a", NULL);
	put(d, "b", "2");
	put(d, "a", "1");
	put(d, "empty", "");
	put(d, "c", "3");
	check_got(d, "a", "1");
	check_got(d, "empty", "");
	check_text(range(d, "", NULL), "a=1 b=2 c=3 empty=");
	check_text(range(d, "aa", NULL), "b=2 c=3 empty=");
	check_text(range(d, "a", "c"), "a=1 b=2");
	check_text(range(d, "x", NULL), "");
	disk_delete(d, "b", 1);
	disk_delete(d, "none", 4);
	put(d, "c", "4");
	check_got(d, "b", NULL);
	check_text(range(d, "", NULL), "a=1 c=4 empty=");
	disk_delete_range(d, "a", 1, "c", 1);
	check_text(range(d, "", NULL), "c=4 empty=");
	disk_delete_range(d, "d", 1, "e", 1);
	disk_delete_range(d, "c", 1, "x", 1);
	check_text(range(d, "", NULL), "");
	disk_close(d);
}

void test_cursor_sees_what_was_there(void)
{
	struct disk *d = disk_open(NULL, 0, MEMORY);
	const char *key, *value;
	size_t key_len, value_len;
	struct disk_cursor *c;

	put(d, "a", "1");
	put(d, "b", "2");
	c = disk_seek(d, "", 0, NULL, 0);
	disk_delete_range(d, "a", 1, "z", 1);
	put(d, "aa", "3");
	check(disk_next(c, &key, &key_len, &value, &value_len) && key_len == 1 && *key == 'a');
	check(disk_next(c, &key, &key_len, &value, &value_len) && key_len == 1 && *value == '2');
	check(!disk_next(c, &key, &key_len, &value, &value_len));
	check(!disk_next(c, &key, &key_len, &value, &value_len));
	disk_cursor_close(c);
	check_text(range(d, "", NULL), "aa=3");
	disk_close(d);
}

/* The model: what is under each of so many keys, which are of one length; 0 bytes are in them. */
struct model {
	uint32_t value[KEYS]; /* 0: none */
};

static size_t key_of(char *key, unsigned i)
{
	key[0] = 'k';
	key[1] = (char)(i >> 8);
	key[2] = (char)i;
	return 3;
}

/* Long enough that tables are more than one. */
static size_t value_of(char *value, uint32_t v)
{
	size_t len = v % VALUE_MAX;

	memset(value, (char)v, len + 4);
	memcpy(value, &v, 4);
	return len + 4;
}

static void check_value(const char *got, size_t len, uint32_t v)
{
	char want[VALUE_MAX + 4];

	check_int(len, value_of(want, v));
	check(memcmp(got, want, len) == 0);
}

static void check_range(struct disk *d, const struct model *m, unsigned from, unsigned to)
{
	char a[3], b[3];
	struct disk_cursor *c = disk_seek(d, a, key_of(a, from), b, key_of(b, to));
	const char *key, *value;
	size_t key_len, value_len;

	for (unsigned i = from; i < to; i++) {
		char want[3];

		if (!m->value[i])
			continue;
		check(disk_next(c, &key, &key_len, &value, &value_len));
		check(key_len == key_of(want, i) && memcmp(key, want, key_len) == 0);
		check_value(value, value_len, m->value[i]);
	}
	check(!disk_next(c, &key, &key_len, &value, &value_len));
	disk_cursor_close(c);
}

static void change(struct disk *d, struct model *m)
{
	unsigned i = (unsigned)random_below(KEYS), to;
	char key[3], behind[3], value[VALUE_MAX + 4];
	const char *got;
	size_t len;

	switch (random_below(40)) {
	case 0:
		to = i + (unsigned)random_below(KEYS - i);
		disk_delete_range(d, key, key_of(key, i), behind, key_of(behind, to));
		memset(&m->value[i], 0, (to - i) * sizeof(*m->value));
		break;
	case 1:
	case 2:
	case 3:
		disk_delete(d, key, key_of(key, i));
		m->value[i] = 0;
		break;
	case 4:
		to = i + (unsigned)random_below(KEYS - i);
		check_range(d, m, i, to);
		break;
	case 5:
	case 6:
	case 7:
		check(disk_get(d, key, key_of(key, i), &got, &len) == (m->value[i] != 0));
		if (m->value[i])
			check_value(got, len, m->value[i]);
		break;
	default:
		m->value[i] = (uint32_t)random_next() | 1;
		disk_put(d, key, key_of(key, i), value, value_of(value, m->value[i]));
	}
}

static bool file_is_there(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

static void check_files(const struct snapshot *s)
{
	json_t *file;
	size_t i;

	check(json_array_size(s->files) > 0);
	json_array_foreach (s->files, i, file) {
		char path[256];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", dir,
			json_string_value(json_object_get(file, "name")));
		check(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
		check_int(st.st_size, json_integer_value(json_object_get(file, "bytes")));
	}
}

/* Random changes against the model, snapshots, and runs that go on from any of the last few: what
 * was in a snapshot is there, whatever was done later. */
void test_model(void)
{
	enum { KEPT = 4, RUNS = 6, ROUNDS = 4, CHANGES = 1500 };
	struct model kept[KEPT] = {0}, now = {0};
	struct snapshot snapshots[KEPT];
	unsigned count = 0;

	random_seed();
	begin();
	for (uint64_t run = 1; run <= RUNS; run++) {
		struct disk *d = disk_open(dir, run, 1 << 20);

		if (count) {
			unsigned from =
				(count - 1 - (unsigned)random_below(count < KEPT ? count : KEPT)) %
				KEPT;

			now = kept[from];
			disk_restore(d, &snapshots[from]);
			check_range(d, &now, 0, KEYS);
		}
		for (int round = 0; round < ROUNDS; round++) {
			for (int i = 0; i < CHANGES; i++)
				change(d, &now);
			if (count >= KEPT)
				snapshot_release(&snapshots[count % KEPT]);
			snapshot_init(&snapshots[count % KEPT]);
			disk_snapshot(d, &snapshots[count % KEPT]);
			check_files(&snapshots[count % KEPT]);
			check(!file_is_there("working/checkpoint"));
			kept[count++ % KEPT] = now;
		}
		check_range(d, &now, 0, KEYS);
		disk_close(d);
		check(!file_is_there("working"));
	}
	for (unsigned i = 0; i < KEPT; i++)
		snapshot_release(&snapshots[i]);
	end();
}

/* Damage */

enum { DAMAGE_KEYS = 3000 };

static size_t damage_key(char *key, int i)
{
	return (size_t)sprintf(key, "key %06d", i);
}

static void fill(struct disk *d, int from)
{
	char key[32], value[64];

	for (int i = from; i < DAMAGE_KEYS; i += 2) {
		memset(value, i, sizeof(value));
		disk_put(d, key, damage_key(key, i), value, sizeof(value));
	}
}

/* Two tables in two snapshots; the second is told on stdout. */
static void tell_snapshot(void *context)
{
	struct disk *d = disk_open(dir, RUN, MEMORY);
	struct snapshot s;

	(void)context;
	for (int i = 0; i < 2; i++) {
		fill(d, i);
		snapshot_init(&s);
		disk_snapshot(d, &s);
		if (i) {
			json_t *all = json_pack("{sOsO}", "state", s.state, "files", s.files);

			json_dumpf(all, stdout, 0);
			json_decref(all);
		}
		snapshot_release(&s);
	}
	disk_close(d);
}

/* Not in this process, as RocksDB's threads do not survive a fork. */
static void make_snapshot(struct snapshot *s)
{
	struct child c;
	json_t *told;

	child_run(&c, tell_snapshot, NULL);
	check_text(c.err, "");
	told = json_loads(c.out, 0, NULL);
	*s = (struct snapshot){.state = json_incref(json_object_get(told, "state")),
		.files = json_incref(json_object_get(told, "files"))};
	json_decref(told);
}

/* Restores, and reads all by a cursor and one by one; exits with 1 where something is another than
 * it was. */
static void restore_and_read(void *from)
{
	struct disk *d = disk_open(dir, RUN + 1, MEMORY);
	const char *key, *value;
	size_t key_len, value_len;
	struct disk_cursor *c;
	char want[32];

	disk_restore(d, from);
	c = disk_seek(d, "", 0, NULL, 0);
	for (int i = 0; i < DAMAGE_KEYS; i++) {
		check(disk_next(c, &key, &key_len, &value, &value_len));
		check(key_len == damage_key(want, i) && memcmp(key, want, key_len) == 0);
		check(value_len == 64 && value[63] == (char)i);
	}
	check(!disk_next(c, &key, &key_len, &value, &value_len));
	disk_cursor_close(c);
	for (int i = 0; i < DAMAGE_KEYS; i += 7)
		check(disk_get(d, want, damage_key(want, i), &value, &value_len) &&
			value[0] == (char)i);
	disk_close(d);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char byte;

	check(fd >= 0 && pread(fd, &byte, 1, at) == 1);
	byte ^= 0x10;
	check(pwrite(fd, &byte, 1, at) == 1);
	close(fd);
}

/* A changed byte anywhere is told, with the file's name, or does not matter (in a filter, say);
 * its hash is always another. */
static size_t check_damaged_at(struct snapshot *s, const json_t *file, off_t at)
{
	const char *name = json_string_value(json_object_get(file, "name"));
	uint64_t bytes = (uint64_t)json_integer_value(json_object_get(file, "bytes")), hash;
	struct child c;
	char path[256];

	check(run_read(json_string_value(json_object_get(file, "xxh3")), &hash));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	check(!file_hash_check(path, bytes, hash));
	flip(path, at);
	check(file_hash_check(path, bytes, hash));
	child_run(&c, restore_and_read, s);
	flip(path, at);
	if (c.status == 0)
		return 0;
	check_int(c.status, EX_IOERR);
	check(strstr(c.err, path) && strstr(c.err, "dd-run --check"));
	return 1;
}

void test_damage_is_told(void)
{
	struct snapshot s;
	json_t *file;
	struct child c;
	size_t i;

	begin();
	make_snapshot(&s);
	child_run(&c, restore_and_read, &s);
	check_text(c.err, "");
	check_int(c.status, 0);
	check_int(json_array_size(s.files), 3);
	json_array_foreach (s.files, i, file) {
		const char *name = json_string_value(json_object_get(file, "name"));
		off_t bytes = (off_t)json_integer_value(json_object_get(file, "bytes"));
		size_t told = 0, places = 0;

		for (off_t at = 0; at < bytes; at += bytes / 12, places++)
			told += check_damaged_at(&s, file, at);
		check(name[0] == 'm' ? told == places : told > places / 2);
	}
	snapshot_release(&s);
	end();
}

static void restore_cut(void *from)
{
	disk_restore(disk_open(dir, RUN + 1, MEMORY), from);
}

/* A byte more, in a table or in the manifest. */
void test_longer_file_is_told(void)
{
	struct snapshot s;
	struct child c;
	json_t *file;
	size_t i;

	begin();
	make_snapshot(&s);
	json_array_foreach (s.files, i, file) {
		off_t bytes = (off_t)json_integer_value(json_object_get(file, "bytes"));
		char path[256];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", dir,
			json_string_value(json_object_get(file, "name")));
		fd = open(path, O_WRONLY | O_APPEND);
		check(write(fd, "x", 1) == 1);
		child_run(&c, restore_cut, &s);
		check(ftruncate(fd, bytes) == 0 && close(fd) == 0);
		check_int(c.status, EX_IOERR);
		check(strstr(c.err, path));
	}
	snapshot_release(&s);
	end();
}

void test_missing_file_is_told(void)
{
	struct snapshot s;
	struct child c;
	json_t *file;
	size_t i;

	begin();
	make_snapshot(&s);
	json_array_foreach (s.files, i, file) {
		const char *name = json_string_value(json_object_get(file, "name"));
		char path[256], aside[256];

		snprintf(path, sizeof(path), "%s/%s", dir, name);
		snprintf(aside, sizeof(aside), "%s/aside", dir);
		check(rename(path, aside) == 0);
		child_run(&c, restore_cut, &s);
		check(rename(aside, path) == 0);
		check_int(c.status, EX_IOERR);
		check(strstr(c.err, path));
	}
	snapshot_release(&s);
	end();
}

static void restore_other(void *context)
{
	struct snapshot s;

	(void)context;
	snapshot_init(&s);
	disk_restore(disk_open(dir, RUN, MEMORY), &s);
}

void test_restore_of_another_engine(void)
{
	struct child c;

	begin();
	child_run(&c, restore_other, NULL);
	check_int(c.status, EX_CONFIG);
	check(strstr(c.err, "--state rocksdb"));
	end();
}

/* Files that can't grow, as on a full disk. */
static void write_much(void *context)
{
	struct rlimit small = {200 << 10, 200 << 10};
	struct disk *d = disk_open(dir, RUN, MEMORY);
	char value[1000];

	(void)context;
	signal(SIGXFSZ, SIG_IGN);
	disk_put(d, "a", 1, "b", 1);
	check(setrlimit(RLIMIT_FSIZE, &small) == 0);
	random_state = 1;
	for (uint64_t i = 0; i < 50000; i++) {
		for (size_t k = 0; k < sizeof(value); k++)
			value[k] = (char)random_next();
		disk_put(d, &i, sizeof(i), value, sizeof(value));
	}
	disk_close(d);
}

void test_writing_that_fails(void)
{
	struct child c;

	begin();
	child_run(&c, write_much, NULL);
	check_int(c.status, EX_IOERR);
	check(strstr(c.err, "cannot write the state on disk in '/tmp/disk."));
	check(!file_is_there("working"));
	end();
}

/* Where it works */

static int entries(void)
{
	DIR *list = opendir(dir);
	int count = -2;

	while (readdir(list))
		count++;
	closedir(list);
	return count;
}

static void die_at_work(void *how)
{
	static struct disk_cursor *volatile left_open;
	struct disk *d = disk_open(NULL, 0, MEMORY);

	fill(d, 0);
	check_int(entries(), 1);
	left_open = disk_seek(d, "", 0, NULL, 0);
	check(left_open);
	if (how)
		raise(SIGKILL);
	die(EX_DATAERR, "bad");
}

/* The parent's is open: what is at work in the child is another. RocksDB's own ends at exit would
 * wait for the parent's threads. */
static void write_elsewhere(void *context)
{
	pid_t child = fork();
	int status;

	(void)context;
	if (child == 0)
		execl("/proc/self/exe", "disk", "map", (char *)NULL);
	check(waitpid(child, &status, 0) == child && status == 0);
	_exit(EX_OK);
}

/* Whose directory is in use stays. */
void test_directory_goes_with_the_process(void)
{
	struct disk *d;
	struct child c;

	begin();
	setenv("TMPDIR", dir, 1);
	child_run(&c, die_at_work, NULL);
	check_text(c.err, "ddpipe: bad\n");
	check_int(c.status, EX_DATAERR);
	check_int(entries(), 0);
	child_run(&c, die_at_work, &c);
	check_int(c.status, 128 + SIGKILL);
	check_int(entries(), 1);
	d = disk_open(NULL, 0, MEMORY);
	check_int(entries(), 1);
	put(d, "a", "1");
	setenv("TMPDIR", dir, 1);
	child_run(&c, write_elsewhere, NULL);
	check_text(c.err, "");
	check_got(d, "a", "1");
	disk_close(d);
	check_int(entries(), 0);
	end();
}

void test_no_place_to_work(void)
{
	struct child c;

	begin();
	setenv("TMPDIR", "/nonexistent", 1);
	child_run(&c, restore_other, NULL);
	check_int(c.status, EX_CONFIG);
	child_run(&c, die_at_work, NULL);
	check_int(c.status, EX_CANTCREAT);
	check(strstr(c.err, "'/nonexistent' (TMPDIR)"));
	end();
}

/* Signals are the program's own: none of the module's threads takes them. */
void test_signals_are_not_the_threads(void)
{
	struct disk *d = disk_open(NULL, 0, MEMORY);
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *e;
	int others = 0;

	put(d, "a", "1");
	while ((e = readdir(tasks))) {
		char path[300], line[256];
		unsigned long long blocked = 0;
		FILE *status;

		if (atoi(e->d_name) == 0 || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		status = fopen(path, "r");
		while (fgets(line, sizeof(line), status))
			sscanf(line, "SigBlk: %llx", &blocked);
		fclose(status);
		check(blocked & 1ull << (SIGTERM - 1));
		check(blocked & 1ull << (SIGINT - 1));
		others++;
	}
	closedir(tasks);
	check(others > 0);
	disk_close(d);
}
