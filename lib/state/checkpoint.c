#include "state/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "io/durable.h"
#include "io/lock.h"
#include "io/loop.h"
#include "io/random.h"
#include "io/watch.h"
#include "record/time.h"
#include "state/document.h"

enum {
	COMMIT_LOOK_MS = 200,
	SINK_WAIT_S = 10,
	ROLE_BYTES_MAX = 64,
};

static const char sink_role[] = "sink", stage_role[] = "stage";

void run_print(char text[RUN_DIGITS + 1], uint64_t run)
{
	snprintf(text, RUN_DIGITS + 1, "%016llx", (unsigned long long)run);
}

bool run_read(const char *text, uint64_t *run)
{
	if (!text || strlen(text) != RUN_DIGITS || text[strspn(text, "0123456789abcdef")])
		return false;
	*run = strtoull(text, NULL, 16);
	return true;
}

json_t *epoch_json(struct epoch at)
{
	char run[RUN_DIGITS + 1];

	run_print(run, at.run);
	return json_pack("{sIss}", "epoch", (json_int_t)at.number, "run", run);
}

bool epoch_read(const json_t *from, struct epoch *at)
{
	const json_t *number = json_object_get(from, "epoch");

	*at = (struct epoch){0};
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return false;
	at->number = (uint64_t)json_integer_value(number);
	return run_read(json_string_value(json_object_get(from, "run")), &at->run);
}

static const char *path_in(struct buf *path, const char *dir, const char *name)
{
	buf_clear(path);
	buf_format(path, "%s/%s", dir, name);
	return buf_string(path);
}

/* Who comes here, and where it lies */

bool directory_is_remote(const char *path)
{
	static const long remote[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, SMB2_SUPER_MAGIC,
		CIFS_SUPER_MAGIC, CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC, V9FS_MAGIC};
	struct statfs s;

	if (statfs(path, &s) != 0)
		return false;
	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if ((long)s.f_type == remote[i])
			return true;
	return false;
}

static void see_that_it_is_ours(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0)
		die_errno(EX_IOERR, "cannot look at '%s'", dir);
	if (st.st_uid != geteuid())
		die(EX_NOPERM,
			"'%s' is user %u's, this is user %u: a checkpoint directory has one owner",
			dir, (unsigned)st.st_uid, (unsigned)geteuid());
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		die(EX_NOPERM, "'%s' can be written by others: chmod go-w it", dir);
}

/* Made aside, so that it is there whole or not at all; the first link wins. */
static void incarnation_make(const char *path)
{
	char aside[4096], text[INCARNATION_DIGITS + 2];
	int fd;

	if (snprintf(aside, sizeof(aside), "%s.%016llx", path,
		    (unsigned long long)random_number()) >= (int)sizeof(aside))
		die(EX_CONFIG, "the path of '%s' is too long", path);
	snprintf(text, sizeof(text), "%016llx%016llx\n", (unsigned long long)random_number(),
		(unsigned long long)random_number());
	fd = durable_create(aside);
	if (fd < 0 || !durable_write(fd, text, sizeof(text) - 1))
		die_errno(EX_IOERR, "cannot write '%s'", aside);
	durable_sync(fd, aside);
	close(fd);
	if (link(aside, path) != 0 && errno != EEXIST)
		die_errno(EX_CANTCREAT, "cannot create '%s'", path);
	unlink(aside);
}

static void incarnation_read(struct checkpoint *c, const char *path)
{
	char text[INCARNATION_DIGITS + 2] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		die_errno(EX_IOERR, "cannot open '%s'", path);
	n = read(fd, text, sizeof(text));
	if (n < 0)
		die_errno(EX_IOERR, "cannot read '%s'", path);
	durable_sync(fd, path);
	durable_sync_parent(path);
	close(fd);
	if (n != INCARNATION_DIGITS + 1 || text[n - 1] != '\n' ||
		strspn(text, "0123456789abcdef") != INCARNATION_DIGITS)
		die(EX_IOERR,
			"'%s' is damaged: 32 hexadecimal digits should be there; restore it from "
			"a backup, or from 'incarnation' in '%s/commit'",
			path, c->dir);
	memcpy(c->incarnation, text, INCARNATION_DIGITS);
}

static void incarnation_adopt(struct checkpoint *c)
{
	struct buf path;

	buf_init(&path);
	if (access(path_in(&path, c->dir, "incarnation"), F_OK) != 0)
		incarnation_make(buf_string(&path));
	incarnation_read(c, buf_string(&path));
	buf_release(&path);
}

/* The stage's lock */

static void say_role(int fd, const char *path, bool is_sink, uint64_t run)
{
	char text[ROLE_BYTES_MAX], name[RUN_DIGITS + 1];
	int len;

	run_print(name, run);
	len = snprintf(text, sizeof(text), "%s %s\n", is_sink ? sink_role : stage_role, name);
	if (lseek(fd, 0, SEEK_SET) != 0 || !durable_write(fd, text, (size_t)len))
		die_errno(EX_IOERR, "cannot write '%s'", path);
	if (ftruncate(fd, len) != 0)
		die_errno(EX_IOERR, "cannot cut '%s'", path);
}

static void die_locked(const struct checkpoint *c, int fd) __attribute__((noreturn));

static void die_locked(const struct checkpoint *c, int fd)
{
	char text[ROLE_BYTES_MAX] = "", run[RUN_DIGITS + 1];

	run_print(run, c->run);
	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && c->run && strstr(text, run))
		die(EX_CONFIG,
			"two stages of this pipeline are named '%s': --name tells them apart",
			c->stage);
	die(EX_TEMPFAIL,
		"'%s/lock' is held: an older run of this pipeline is still there (or two of its "
		"stages have this name: --name tells them apart)",
		c->stage_dir);
}

/* Waiting is short: an older run ends by itself as its neighbours do. */
static void lock_take(struct checkpoint *c, bool is_sink)
{
	struct buf path;

	buf_init(&path);
	path_in(&path, c->stage_dir, "lock");
	c->lock = open(buf_string(&path), O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (c->lock < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", buf_string(&path));
	if (!lock_wait(c->lock, buf_string(&path)))
		die_locked(c, c->lock);
	say_role(c->lock, buf_string(&path), is_sink, c->run);
	buf_release(&path);
}

/* Is there a sink? */

enum presence { NO_SINK, SINK_GONE, SINK_HERE };

static enum presence presence_of(const struct checkpoint *c, int stages, const char *stage)
{
	enum presence presence = NO_SINK;
	char path[NAME_MAX + 8], text[ROLE_BYTES_MAX] = "", run[RUN_DIGITS + 1];
	int fd;

	snprintf(path, sizeof(path), "%s/lock", stage);
	fd = openat(stages, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NO_SINK;
	run_print(run, c->run);
	if (read(fd, text, sizeof(text) - 1) > 0 &&
		strncmp(text, sink_role, strlen(sink_role)) == 0) {
		bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;

		presence = !is_free ? SINK_HERE : strstr(text, run) ? SINK_GONE : NO_SINK;
	}
	close(fd);
	return presence;
}

/* Looks for a sink that is running, else for one of this run that is gone, and gives its name; this
 * process itself is none. */
static enum presence find_sink(const struct checkpoint *c, char name[NAME_MAX + 1])
{
	enum presence found = NO_SINK;
	struct dirent *entry;
	struct buf path;
	DIR *stages;

	buf_init(&path);
	stages = opendir(path_in(&path, c->dir, "stages"));
	buf_release(&path);
	while (stages && found != SINK_HERE && (entry = readdir(stages))) {
		enum presence is = NO_SINK;

		if (entry->d_name[0] != '.' && strcmp(entry->d_name, c->stage) != 0)
			is = presence_of(c, dirfd(stages), entry->d_name);
		if (is > found) {
			found = is;
			snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		}
	}
	if (stages)
		closedir(stages);
	return found;
}

static void refuse_second_sink(const struct checkpoint *c)
{
	char name[NAME_MAX + 1];

	if (find_sink(c, name) == SINK_HERE)
		die(EX_CONFIG,
			"'%s' has a sink that is running, '%s': a pipeline has one. For several "
			"consumers land once (dd-batch --dir, dd-deliver dir:) and let each read "
			"that in a pipeline of its own",
			c->dir, name);
}

void checkpoint_open(struct checkpoint *c, const char *dir, const char *stage,
	const struct checkpoint_rules *rules)
{
	struct buf path;

	*c = (struct checkpoint){.dir = dir,
		.stage = stage,
		.lock = -1,
		.is_sink = rules->is_sink,
		.run = rules->run};
	durable_dir(dir);
	see_that_it_is_ours(dir);
	if (!rules->may_be_shared && directory_is_remote(dir))
		die(EX_CONFIG,
			"'%s' lies on a network file system, where locks and syncs may not hold; "
			"--shared-dir says that here they do",
			dir);
	incarnation_adopt(c);
	buf_init(&path);
	durable_dir(path_in(&path, dir, "stages"));
	buf_format(&path, "/%s", stage);
	durable_dir(buf_string(&path));
	c->stage_dir = mem_string(buf_string(&path));
	buf_release(&path);
	lock_take(c, rules->is_sink);
	if (rules->is_sink)
		refuse_second_sink(c);
}

void checkpoint_begin_run(struct checkpoint *c, uint64_t run)
{
	c->run = run;
	say_role(c->lock, c->stage_dir, c->is_sink, run);
}

bool checkpoint_has_other_run(const struct checkpoint *c, const char *stage)
{
	char text[ROLE_BYTES_MAX] = "", run[RUN_DIGITS + 1];
	struct buf path;
	ssize_t n = -1;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/stages/%s/lock", c->dir, stage);
	fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	buf_release(&path);
	run_print(run, c->run);
	return fd >= 0 && (n <= 0 || !strstr(text, run));
}

void checkpoint_close(struct checkpoint *c)
{
	if (c->lock >= 0)
		close(c->lock);
	free(c->stage_dir);
	*c = (struct checkpoint){.lock = -1};
}

/* The commit */

static bool commit_from(struct commit *commit, const json_t *document)
{
	commit->stages = json_incref(json_object_get(document, "stages"));
	return epoch_read(document, &commit->at) && json_is_array(commit->stages);
}

static bool commit_get(const char *dir, struct commit *commit, json_t **document)
{
	struct buf path;

	*commit = (struct commit){{0}, NULL};
	buf_init(&path);
	*document = document_get(path_in(&path, dir, "commit"),
		"the ledger's last line says what it was: dd-run --check tells more; or restore "
		"the "
		"directory from a backup");
	if (*document && !commit_from(commit, *document))
		die(EX_IOERR, "'%s' is no commit, though its checksum is right", buf_string(&path));
	buf_release(&path);
	return *document != NULL;
}

bool commit_read(const char *dir, struct commit *commit)
{
	json_t *document;
	bool is_there = commit_get(dir, commit, &document);

	json_decref(document);
	return is_there;
}

/* Synced behind the reading: what was read may have been renamed a moment before, and what stands
 * there by the time of the sync is at least as new. */
void checkpoint_commit(const struct checkpoint *c, struct commit *commit)
{
	const char *incarnation;
	json_t *document;
	struct buf path;

	commit_get(c->dir, commit, &document);
	buf_init(&path);
	durable_adopt(path_in(&path, c->dir, "commit"));
	buf_release(&path);
	incarnation = json_string_value(json_object_get(document, "incarnation"));
	if (document && (!incarnation || strcmp(incarnation, c->incarnation) != 0))
		die(EX_CONFIG, "'%s/commit' is of another incarnation than '%s/incarnation'",
			c->dir, c->dir);
	json_decref(document);
}

void commit_release(struct commit *commit)
{
	json_decref(commit->stages);
	commit->stages = NULL;
}

bool commit_has_stage(const struct commit *commit, const char *stage)
{
	for (size_t i = 0; i < json_array_size(commit->stages); i++) {
		const char *name = json_string_value(json_array_get(commit->stages, i));

		if (name && strcmp(name, stage) == 0)
			return true;
	}
	return false;
}

void checkpoint_commit_set(const struct checkpoint *c, struct epoch at, const json_t *stages)
{
	char run[RUN_DIGITS + 1], now[TIME_TEXT_MAX];
	struct buf path;
	json_t *document;

	run_print(run, at.run);
	time_print(now, loop_wall_ns());
	document = json_pack("{siss sI ss ss sO}", "v", 1, "incarnation", c->incarnation, "epoch",
		(json_int_t)at.number, "run", run, "at", now, "stages", stages);
	buf_init(&path);
	document_replace(path_in(&path, c->dir, "commit"), document);
	buf_release(&path);
	json_decref(document);
}

void checkpoint_claim_set(const struct checkpoint *c, struct epoch at)
{
	char of[RUN_DIGITS + 1], by[RUN_DIGITS + 1];
	struct buf path;
	json_t *document;

	run_print(of, at.run);
	run_print(by, c->run);
	document = json_pack(
		"{si sI ss ss}", "v", 1, "epoch", (json_int_t)at.number, "run", of, "by", by);
	buf_init(&path);
	document_replace(path_in(&path, c->dir, "claim"), document);
	buf_release(&path);
	json_decref(document);
}

bool checkpoint_claimer(const struct checkpoint *c, struct epoch at, uint64_t *by)
{
	struct epoch claimed;
	json_t *document;
	const char *why;
	struct buf path;
	uint64_t run;

	buf_init(&path);
	document = document_read(path_in(&path, c->dir, "claim"), &why);
	if (why)
		warn("'%s' is damaged: %s; nothing is tidied up before the sink has made it anew",
			buf_string(&path), why);
	buf_release(&path);
	*by = at.run;
	if (document && epoch_read(document, &claimed) && claimed.number == at.number &&
		claimed.run == at.run &&
		run_read(json_string_value(json_object_get(document, "by")), &run))
		*by = run;
	json_decref(document);
	return !why;
}

bool checkpoint_is_committed(const struct checkpoint *c, struct epoch at)
{
	struct commit commit;
	bool is_so;

	checkpoint_commit(c, &commit);
	is_so = commit.at.run == at.run && commit.at.number >= at.number;
	commit_release(&commit);
	return is_so;
}

/* Waiting */

static bool await(const struct checkpoint *c, struct epoch at, struct watch *w)
{
	int64_t give_up_ns = loop_now_ns() + (int64_t)SINK_WAIT_S * NS_PER_S;
	char name[NAME_MAX + 1];
	bool was_here = false;

	for (;;) {
		/* asked before the commit: a sink that ends between the two has committed */
		enum presence sink = find_sink(c, name);

		watch_clear(w);
		if (checkpoint_is_committed(c, at))
			return true;
		if (sink == SINK_GONE ||
			(sink == NO_SINK && (was_here || loop_now_ns() > give_up_ns)))
			return false;
		was_here = was_here || sink == SINK_HERE;
		if (loop_stop_insisted())
			die(EX_TEMPFAIL, "interrupted while the sink was to commit");
		loop_wait(w->fd, -1, loop_now_ns() + (int64_t)COMMIT_LOOK_MS * NS_PER_MS);
	}
}

bool checkpoint_await(const struct checkpoint *c, struct epoch at)
{
	struct watch w;
	bool is_committed;

	watch_init(&w);
	watch_add(&w, c->dir);
	is_committed = await(c, at, &w);
	watch_release(&w);
	return is_committed;
}

/* Failures */

void checkpoint_failure(const struct checkpoint *c, int status, const char *why)
{
	char run[RUN_DIGITS + 1], now[TIME_TEXT_MAX];
	const char *damage, *of;
	json_t *known, *text = json_string(why), *document;
	struct buf path, aside;

	buf_init(&path);
	run_print(run, c->run);
	known = document_read(path_in(&path, c->dir, "last-failure"), &damage);
	of = json_string_value(json_object_get(known, "run"));
	if (!of || strcmp(of, run) != 0 || status != EX_TEMPFAIL) {
		time_print(now, loop_wall_ns());
		document = json_pack("{siss si so ss ss}", "v", 1, "stage", c->stage, "exit",
			status, "why", text ? text : json_string("see the stage's messages"), "at",
			now, "run", run);
		buf_init(&aside);
		buf_format(&aside, "%s/last-failure", c->stage_dir);
		document_try_replace(buf_string(&path), buf_string(&aside), document);
		buf_release(&aside);
		json_decref(document);
	} else {
		json_decref(text);
	}
	json_decref(known);
	buf_release(&path);
}
