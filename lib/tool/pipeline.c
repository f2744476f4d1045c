#include "tool/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "base/instant.h"
#include "base/mem.h"
#include "io/family.h"
#include "io/loop.h"
#include "io/pipe.h"

enum { READ_END, WRITE_END };

enum {
	SHOWN_BYTES = 50, /* of a part, in a message */
	NOT_EXECUTABLE = 126,
	NOT_FOUND = 127,
	BY_SIGNAL = 128, /* what a shell adds to the signal that ended its last command */
};

/* Starting */

/* With `exec` before it, so that the child is the program itself and not a shell that waits. */
static char *command_of(const struct shell_part *part)
{
	struct buf text;
	char *command;

	buf_init(&text);
	buf_add(&text, part->text, part->is_simple ? part->program : part->len);
	if (part->is_simple) {
		buf_text(&text, "exec ");
		buf_add(&text, part->text + part->program, part->len - part->program);
	}
	command = mem_string(buf_string(&text));
	buf_release(&text);
	return command;
}

static size_t head_of(const struct shell_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		if (parts->list[i].is_ours)
			return i;
	return 0;
}

static void open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		die_errno(EX_TEMPFAIL, "cannot make a pipe");
}

static void close_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void start_one(struct pipeline *p, size_t i, const struct member *m)
{
	p->list[i].pid = family_start(m);
	if (p->list[i].pid < 0)
		die_errno(EX_TEMPFAIL, "cannot start a process");
}

/* The ends of the pipes of readiness that the programs get; -1: none. */
struct readiness {
	int for_head;
	int for_others;
};

static void start_all(struct pipeline *p, const struct readiness *ready)
{
	int in = STDIN_FILENO;

	for (size_t i = 0; i < p->count; i++) {
		int joint[2] = {-1, STDOUT_FILENO};
		struct member m = {
			.command = p->list[i].command,
			.in = in,
			.extra = i == p->head ? ready->for_head : ready->for_others,
			.extra_name = "DDPIPE_READY_FD",
			.ends_on_stop = i == p->head && !p->list[i].part->is_ours,
		};

		if (i + 1 < p->count) {
			open_pipe(joint);
			pipe_enlarge(joint[WRITE_END]);
		}
		m.out = joint[WRITE_END];
		start_one(p, i, &m);
		if (in != STDIN_FILENO)
			close(in);
		if (joint[WRITE_END] != STDOUT_FILENO)
			close(joint[WRITE_END]);
		in = joint[READ_END];
	}
}

void pipeline_start(struct pipeline *p, const struct shell_parts *parts, bool under_checkpoint)
{
	int sink[2] = {-1, -1}, head[2] = {-1, -1};

	*p = (struct pipeline){
		.list = mem_zero(parts->count, sizeof(*p->list)),
		.count = parts->count,
		.head = head_of(parts),
		.ends = mem_zero(parts->count, sizeof(*p->ends)),
		.is_ready = !under_checkpoint,
	};
	for (size_t i = 0; i < p->count; i++) {
		p->list[i].part = &parts->list[i];
		p->list[i].command = command_of(&parts->list[i]);
	}
	unsetenv("DDPIPE_READY_FD");
	if (under_checkpoint) {
		open_pipe(sink);
		open_pipe(head);
	}
	start_all(p, &(struct readiness){head[READ_END], sink[WRITE_END]});
	close_open(&sink[WRITE_END]);
	close_open(&head[READ_END]);
	p->from_sink = sink[READ_END];
	p->to_head = head[WRITE_END];
}

void pipeline_release(struct pipeline *p)
{
	close_open(&p->from_sink);
	close_open(&p->to_head);
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].command);
	free(p->list);
	free(p->ends);
}

/* Readiness */

static void readiness_settled(struct pipeline *p)
{
	close_open(&p->from_sink);
	close_open(&p->to_head);
}

void pipeline_hear(struct pipeline *p)
{
	char said;

	if (p->from_sink < 0 || !loop_ready(p->from_sink))
		return;
	if (read(p->from_sink, &said, 1) == 1) {
		p->is_ready = true;
		if (write(p->to_head, "r", 1) != 1)
			p->is_ready = false; /* it is gone, as will be told */
	}
	readiness_settled(p);
}

/* Ends */

/* A part's text, short enough for a message. */
static const char *shown(const struct program *program, struct buf *to)
{
	size_t len = program->part->len;

	buf_clear(to);
	if (len > SHOWN_BYTES) {
		for (len = SHOWN_BYTES; len > 0 && (program->part->text[len] & 0xc0) == 0x80;)
			len--;
	}
	buf_add(to, program->part->text, len);
	if (len < program->part->len)
		buf_text(to, "…");
	return buf_string(to);
}

static struct ending ending_of(const struct program *program, int status)
{
	struct ending e = {.number = WEXITSTATUS(status)};

	if (WIFSIGNALED(status))
		e = (struct ending){.by_signal = true, .number = WTERMSIG(status)};
	else if (!program->part->is_simple && e.number > BY_SIGNAL)
		e = (struct ending){.by_signal = true, .number = e.number - BY_SIGNAL};
	e.excused = (e.by_signal && e.number == SIGPIPE) || program->terminated;
	return e;
}

/* Our own programs have said themselves why they stop. */
static void tell(const struct pipeline *p, const struct program *program, const struct ending *e)
{
	struct buf text;
	const char *name;

	if (e->excused || program->killed || e->number == 0)
		return;
	buf_init(&text);
	name = shown(program, &text);
	if (e->by_signal && p->is_stopping && (e->number == SIGTERM || e->number == SIGINT))
		; /* as it was asked to */
	else if (e->by_signal)
		warn("'%s' was killed by signal %d", name, e->number);
	else if (e->number == NOT_FOUND)
		warn("'%s' could not be found (exit status 127)", name);
	else if (e->number == NOT_EXECUTABLE)
		warn("'%s' could not be executed (exit status 126)", name);
	else if (!program->part->is_ours)
		warn("'%s' failed with exit status %d", name, e->number);
	buf_release(&text);
}

static void note_end(struct pipeline *p, struct program *program, int status, int64_t now_ns)
{
	struct ending e = ending_of(program, status);

	tell(p, program, &e);
	program->pid = 0;
	p->ends[p->ended++] = e;
	if (!e.excused && e.number != 0 && !p->failing_ns)
		p->failing_ns = now_ns;
	/* The head must not begin with a neighbour missing. */
	if (!p->is_ready)
		readiness_settled(p);
}

void pipeline_reap(struct pipeline *p, int64_t now_ns)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < p->count; i++)
			if (p->list[i].pid == pid)
				note_end(p, &p->list[i], status, now_ns);
}

/* What does not notice */

static bool is_gone(const struct pipeline *p, size_t i)
{
	return i < p->count && p->list[i].pid == 0;
}

/* Nobody reads what it writes; or the pipeline fails, and nobody feeds it any more. Our own
 * programs see that for themselves. */
static bool is_alone(const struct pipeline *p, size_t i)
{
	return !p->list[i].part->is_ours &&
	       (is_gone(p, i + 1) || (p->failing_ns && i > 0 && is_gone(p, i - 1)));
}

static int64_t linger_ns(const struct pipeline *p)
{
	return (p->is_stopping ? PIPELINE_STOP_LINGER_S : PIPELINE_LINGER_S) * (int64_t)NS_PER_S;
}

static void terminate(struct program *program)
{
	struct buf text;

	buf_init(&text);
	warn("'%s' goes on though its neighbours are gone: it is terminated",
		shown(program, &text));
	buf_release(&text);
	program->terminated = true;
	kill(program->pid, SIGTERM);
}

/* Returns when to look at it again. */
static int64_t attend_one(const struct pipeline *p, struct program *program, int64_t now_ns)
{
	int64_t term_ns = program->alone_ns + linger_ns(p);
	int64_t kill_ns = term_ns + PIPELINE_KILL_S * (int64_t)NS_PER_S;

	if (now_ns < term_ns)
		return term_ns;
	if (!program->terminated)
		terminate(program);
	if (now_ns < kill_ns)
		return kill_ns;
	program->killed = true;
	kill(program->pid, SIGKILL);
	return LOOP_NEVER;
}

/* What a group left behind when its shell was killed keeps pipes open. */
static int64_t attend_orphans(const struct pipeline *p, int64_t now_ns)
{
	int64_t kill_ns = p->failing_ns + linger_ns(p);
	pid_t *programs;

	if (!p->failing_ns)
		return LOOP_NEVER;
	if (now_ns < kill_ns)
		return kill_ns;
	programs = mem_zero(p->count, sizeof(*programs));
	for (size_t i = 0; i < p->count; i++)
		programs[i] = p->list[i].pid;
	family_kill_others(programs, p->count);
	free(programs);
	return LOOP_NEVER;
}

/* A signal that was queued asks, also when it comes again; one from kill(2) insists. */
static int64_t attend_stop(struct pipeline *p, int64_t now_ns)
{
	pid_t head = p->list[p->head].pid;

	if (!p->is_stopping || !head)
		return LOOP_NEVER;
	if (now_ns >= p->ask_ns) {
		sigqueue(head, SIGTERM, (union sigval){0});
		p->ask_ns = now_ns + PIPELINE_ASK_S * (int64_t)NS_PER_S;
	}
	return p->ask_ns;
}

static int64_t sooner(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

int64_t pipeline_attend(struct pipeline *p, int64_t now_ns)
{
	int64_t next_ns = sooner(attend_orphans(p, now_ns), attend_stop(p, now_ns));

	for (size_t i = 0; i < p->count; i++) {
		struct program *program = &p->list[i];

		if (program->pid == 0 || !is_alone(p, i))
			continue;
		if (!program->alone_ns)
			program->alone_ns = now_ns;
		next_ns = sooner(next_ns, attend_one(p, program, now_ns));
	}
	return next_ns;
}

/* Stopping */

void pipeline_stop(struct pipeline *p, bool all_know, int64_t now_ns)
{
	p->is_stopping = true;
	p->ask_ns = all_know ? now_ns + PIPELINE_ASK_S * (int64_t)NS_PER_S : now_ns;
}

void pipeline_signal(struct pipeline *p, int signal, bool ours_only)
{
	for (size_t i = 0; i < p->count; i++) {
		struct program *program = &p->list[i];

		if (program->pid == 0 || (ours_only && !program->part->is_ours))
			continue;
		program->killed = program->killed || signal == SIGKILL;
		kill(program->pid, signal);
	}
}
