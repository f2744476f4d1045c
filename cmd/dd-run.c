/*
 * dd-run: runs a pipeline, starts it again, and tells what its checkpoint directory holds
 *
 * The programs are joined by pipes as a shell does it, under one lock, and are the children of a
 * keeper (tool/keeper.h): whatever is killed, nobody is left behind. The exit status is that of
 * what went wrong first, not of what went wrong last. Nothing that the pipeline relies on is done
 * here: it works without dd-run too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/die.h"
#include "base/instant.h"
#include "base/shell.h"
#include "base/units.h"
#include "flow/backoff.h"
#include "flow/cause.h"
#include "io/durable.h"
#include "io/loop.h"
#include "io/notify.h"
#include "io/pipe.h"
#include "io/random.h"
#include "io/signals.h"
#include "io/watch.h"
#include "state/checkpoint.h"
#include "state/document.h"
#include "tool/audit.h"
#include "tool/backup.h"
#include "tool/keeper.h"
#include "tool/opt.h"
#include "tool/status.h"

enum {
	BACKOFF_BASE_MS = 1000,
	BACKOFF_CAP_MS = 60 * 1000,
	LOCK_WAIT_MS = 500, /* who only looks holds it for an instant */
	LOCK_LOOK_MS = 20,
	LONG_RUN_S = 60, /* after one of these, failures are counted anew */
	STATUS_S = 1,    /* the least time from one status to the next */
	STATUS_OLD_S = 10,
};

static struct {
	const char *checkpoint;
	const char *pipeline;
	bool restart;
	struct descriptor {
		bool is_given;
		int fd;
	} notify;
	bool quiet;
	const char *check;
	const char *status;
	const char *backup;
	bool json;
} conf;

static const char *read_descriptor(const char *text, void *to)
{
	struct descriptor *d = to;
	uint64_t number;
	const char *why = units_count(text, &number);

	if (why)
		return why;
	if (number > 1 << 20 || fcntl((int)number, F_GETFD) < 0)
		return "not a descriptor that is open";
	*d = (struct descriptor){.is_given = true, .fd = (int)number};
	return NULL;
}

static const struct opt options[] = {
	{.name = "checkpoint",
		.arg = "DIR",
		.help = "the directory that the pipeline restarts from",
		.read = opt_text,
		.to = &conf.checkpoint},
	{.name = "restart", .help = "start again after what may pass", .to = &conf.restart},
	{.name = "notify-fd",
		.arg = "N",
		.help = "write a newline there when ready (s6)",
		.read = read_descriptor,
		.to = &conf.notify},
	{.name = "status",
		.arg = "DIR",
		.help = "tell how the pipeline of DIR is doing",
		.read = opt_text,
		.to = &conf.status},
	{.name = "json", .help = "with --status: as JSON", .to = &conf.json},
	{.name = "check",
		.arg = "DIR",
		.help = "verify everything in DIR; changes nothing",
		.read = opt_text,
		.to = &conf.check},
	{.name = "backup",
		.arg = "DIR",
		.help = "copy DIR as of its last commit to operand TO",
		.read = opt_text,
		.to = &conf.backup},
	{.name = NULL},
};

static const struct opt common[] = {
	{.name = "pipeline",
		.arg = "NAME",
		.read = opt_text,
		.to = &conf.pipeline,
		.env = "DDPIPE_PIPELINE"},
	{.name = "quiet", .letter = 'q', .to = &conf.quiet},
	{.name = NULL},
};

struct run {
	struct shell_parts parts;
	int lock;    /* -1: without a checkpoint */
	int signals; /* SIGTERM, SIGINT, SIGUSR1 */
	int stops;   /* how many of the first two came */
	struct notify notify;
	struct watch watch; /* of the checkpoint directory, where somebody hears the status */
	int64_t told_ns;    /* when the status was told last; 0: never */
	bool has_news;      /* the directory has changed since */
	char name[RUN_DIGITS + 1];
};

/* The directory */

/* The keeper inherits the lock: it is held until all is gone. */
static int lock_take(const char *dir)
{
	int64_t until_ns = loop_now_ns() + LOCK_WAIT_MS * NS_PER_MS;
	struct buf path;
	int fd;

	buf_init(&path);
	durable_dir(dir);
	buf_format(&path, "%s/lock", dir);
	fd = open(buf_string(&path), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		die_errno(EX_CANTCREAT, "cannot create '%s'", buf_string(&path));
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			die_errno(EX_OSERR, "cannot lock '%s'", buf_string(&path));
		if (loop_now_ns() > until_ns)
			die(EX_TEMPFAIL, "'%s' is held: another dd-run runs this pipeline",
				buf_string(&path));
		loop_wait_any(NULL, 0, loop_now_ns() + LOCK_LOOK_MS * NS_PER_MS);
	}
	buf_release(&path);
	return fd;
}

/* Reads a document of the directory; NULL where there is none, or none that is whole: what relies
 * on it will say so. */
static json_t *directory_document(const char *name)
{
	json_t *document;
	const char *why;
	struct buf path;

	if (!conf.checkpoint)
		return NULL;
	buf_init(&path);
	buf_format(&path, "%s/%s", conf.checkpoint, name);
	document = document_read(buf_string(&path), &why);
	buf_release(&path);
	return document;
}

/* What a stage of this run has left as the cause stands above what the statuses say. */
static int cause_left(const struct run *r, int status)
{
	json_t *failure = directory_document("last-failure");
	const char *of = json_string_value(json_object_get(failure, "run"));
	json_int_t exit_status = json_integer_value(json_object_get(failure, "exit"));

	if (status != EX_OK && of && strcmp(of, r->name) == 0 && exit_status > 0 &&
		exit_status < 128)
		status = (int)exit_status;
	json_decref(failure);
	return status;
}

/* Telling a service manager */

static void say_status(const struct run *r)
{
	json_t *commit = directory_document("commit");
	json_int_t epoch = json_integer_value(json_object_get(commit, "epoch"));
	json_int_t at_ms = json_integer_value(json_object_get(commit, "at_ms"));
	struct buf text;

	buf_init(&text);
	if (commit)
		buf_format(&text, "STATUS=epoch %lld, committed %lld s ago", (long long)epoch,
			(long long)((loop_wall_ns() / NS_PER_MS - at_ms) / 1000));
	else
		buf_text(&text, "STATUS=nothing committed yet");
	notify_say(&r->notify, buf_string(&text));
	buf_release(&text);
	json_decref(commit);
}

/* Now and then, and sooner when there is news; returns when to be called again. */
static int64_t attend_status(struct run *r, int64_t now_ns)
{
	int64_t due_ns = r->told_ns;

	if (r->watch.fd < 0)
		return LOOP_NEVER;
	if (loop_ready(r->watch.fd)) {
		watch_clear(&r->watch);
		r->has_news = true;
	}
	if (r->told_ns)
		due_ns += (r->has_news ? STATUS_S : STATUS_OLD_S) * (int64_t)NS_PER_S;
	if (now_ns < due_ns)
		return due_ns;
	say_status(r);
	r->told_ns = now_ns;
	r->has_news = false;
	return now_ns + STATUS_OLD_S * (int64_t)NS_PER_S;
}

/* One run */

/* The first asks, the second insists, the third kills. What a terminal sends reaches everybody by
 * itself. */
static void stop_asked(struct run *r, const struct keeper *k, bool all_know)
{
	r->stops++;
	if (r->stops == 1) {
		notify_say(&r->notify, "STOPPING=1");
		keeper_order(k, all_know ? ORDER_STOP_KNOWN : ORDER_STOP);
	} else if (r->stops > 2) {
		keeper_order(k, ORDER_KILL);
	} else if (!all_know) {
		keeper_order(k, ORDER_STOP_NOW);
	}
}

static void take_signals(struct run *r, const struct keeper *k)
{
	struct signal_told told;

	while (signals_next(r->signals, &told))
		if (told.number == SIGUSR1)
			keeper_order(k, ORDER_FIGURES);
		else
			stop_asked(r, k, told.from_terminal);
}

static int run_once(struct run *r)
{
	enum keeper_news news = KEEPER_SILENT;
	struct keeper k;

	run_print(r->name, random_number());
	setenv("DDPIPE_RUN", r->name, 1);
	keeper_start(&k, &r->parts, conf.checkpoint != NULL);
	while (news != KEEPER_GONE) {
		int64_t until_ns = attend_status(r, loop_now_ns());

		loop_wait_any((const int[]){k.socket, r->signals, r->watch.fd}, 3, until_ns);
		take_signals(r, &k);
		news = keeper_hear(&k);
		if (news == KEEPER_READY)
			notify_ready(&r->notify);
	}
	return cause_left(r, keeper_end(&k));
}

/* Again and again */

/* False if a stop was asked for meanwhile. */
static bool wait_out(struct run *r, uint64_t wait_ms)
{
	int64_t until_ns = loop_now_ns() + (int64_t)wait_ms * NS_PER_MS;
	struct signal_told told;

	while (loop_now_ns() < until_ns) {
		loop_wait_any(&r->signals, 1, until_ns);
		while (signals_next(r->signals, &told))
			r->stops += told.number != SIGUSR1;
		if (r->stops)
			return false;
	}
	return true;
}

static void tell_restart(const struct run *r, int status, int64_t ran_ns, uint64_t wait_ms)
{
	char ran[UNITS_DURATION_TEXT_MAX], wait[UNITS_DURATION_TEXT_MAX];
	struct buf text;

	units_duration_text(ran_ns / NS_PER_MS * NS_PER_MS, ran);
	units_duration_text((int64_t)wait_ms * NS_PER_MS, wait);
	buf_init(&text);
	buf_format(&text, "STATUS=stopped with exit status %d, starts again in %s", status, wait);
	notify_say(&r->notify, buf_string(&text));
	if (!conf.quiet)
		warn("the pipeline stopped with exit status %d after %s; it starts again in %s",
			status, ran, wait);
	buf_release(&text);
}

static int run_again(struct run *r)
{
	static const struct backoff backoff = {BACKOFF_BASE_MS, BACKOFF_CAP_MS};
	unsigned failures = 0;

	for (;;) {
		int64_t start_ns = loop_now_ns(), ran_ns;
		int status = run_once(r);
		uint64_t wait_ms;

		if (r->stops || !conf.restart || !cause_may_pass(status))
			return status;
		ran_ns = loop_now_ns() - start_ns;
		if (ran_ns > LONG_RUN_S * (int64_t)NS_PER_S)
			failures = 0;
		wait_ms = backoff_ms(&backoff, ++failures, random_number(), 0);
		tell_restart(r, status, ran_ns, wait_ms);
		if (!wait_out(r, wait_ms))
			return status;
		r->told_ns = 0;
	}
}

static void environment_set(void)
{
	if (conf.checkpoint)
		setenv("DDPIPE_CHECKPOINT", conf.checkpoint, 1);
	else
		unsetenv("DDPIPE_CHECKPOINT");
	if (conf.pipeline)
		setenv("DDPIPE_PIPELINE", conf.pipeline, 1);
}

static int run(const char *text)
{
	struct run r = {.lock = -1, .watch = {.fd = -1}};
	const char *where;
	const char *why = shell_split(&r.parts, text, &where);
	int status;

	if (why)
		die(EX_USAGE, "the pipeline can't be read at %s%.20s%s: %s",
			*where ? "'" : "its end", where, *where ? "'" : "", why);
	loop_init();
	r.signals = signals_open((const int[]){SIGTERM, SIGINT, SIGUSR1, 0});
	environment_set();
	notify_open(&r.notify, conf.notify.is_given ? conf.notify.fd : -1);
	if (conf.checkpoint)
		r.lock = lock_take(conf.checkpoint);
	if (conf.checkpoint && notify_is_heard(&r.notify)) {
		watch_init(&r.watch);
		watch_add(&r.watch, conf.checkpoint);
	}
	status = run_again(&r);
	watch_release(&r.watch);
	notify_close(&r.notify);
	if (r.lock >= 0)
		close(r.lock);
	close(r.signals);
	shell_release(&r.parts);
	return status;
}

/* Looking after a directory */

static int back_up(const char *dir, const char *to)
{
	struct backup_done done;

	backup_run(dir, to, &done);
	if (!conf.quiet)
		warn("'%s' is a copy as of epoch %" PRIu64 ", in %" PRIu64 " files", to,
			done.at.number, done.files);
	return EX_OK;
}

/* The command line */

static void check_usage(int operands)
{
	int others = (conf.status != NULL) + (conf.check != NULL) + (conf.backup != NULL);

	if (others > 1)
		die(EX_USAGE, "only one of --status, --check, --backup can be asked for");
	if (others && (conf.restart || conf.notify.is_given))
		die(EX_USAGE, "--restart and --notify-fd are for running a pipeline");
	if (conf.json && !conf.status)
		die(EX_USAGE, "--json goes with --status");
	if (conf.backup && operands != 1)
		die(EX_USAGE, "--backup DIR TO wants one directory to copy to");
	if ((conf.status || conf.check) && operands)
		die(EX_USAGE, "%s DIR takes nothing else", conf.status ? "--status" : "--check");
	if (!others && operands != 1)
		die(EX_USAGE, "it wants one pipeline, in quotes; see dd-run --help");
}

int main(int argc, char **argv)
{
	static const struct opt_command command = {
		.purpose = "runs a pipeline, and tells what its checkpoint directory holds",
		.operands = "'PIPELINE'",
		.own = options,
		.common = common,
	};
	int operands;

	conf.checkpoint = getenv("DDPIPE_CHECKPOINT");
	operands = opt_parse(&command, argc, argv);
	check_usage(operands);
	if (conf.checkpoint && !*conf.checkpoint)
		conf.checkpoint = NULL;
	pipe_guard_standard();
	if (conf.status) {
		status_print(conf.status, conf.pipeline, conf.json);
		return EX_OK;
	}
	if (conf.check)
		return audit_run(conf.check);
	return conf.backup ? back_up(conf.backup, argv[0]) : run(argv[0]);
}
