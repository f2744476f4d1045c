#include "tool/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "io/frame.h"
#include "record/text.h"

enum { PROTOCOL = 1, TEXT_MAX = 4096, TIMEOUT_MS = 30000 };

static_assert((int)FRAME_PAD >= (int)SCAN_PAD, "a batch is scanned where it was read");

struct sink_verdict {
	json_t *reply;   /* NULL: accepted */
	json_t *records; /* borrowed from reply; NULL: it is about the whole batch */
};

/* The conversation. At file scope because a failure anywhere ends it. */
static struct {
	const struct sink *sink;
	struct frame_in in;
	int out;
	bool is_open;
} talk;

/* A JSON string of any bytes; what is not UTF-8 in them becomes U+FFFD. */
static json_t *json_from(const char *text)
{
	size_t len = strlen(text);
	struct buf clean;
	json_t *string;

	buf_init(&clean);
	for (size_t i = 0; i < len;) {
		size_t n = 1;

		while (n < 4 && n < len - i && !text_is_utf8(text + i, n))
			n++;
		if (text_is_utf8(text + i, n)) {
			buf_add(&clean, text + i, n);
			i += n;
		} else {
			buf_text(&clean, "\xef\xbf\xbd");
			i++;
		}
	}
	string = json_string(buf_string(&clean));
	buf_release(&clean);
	return string;
}

static json_t *json_format(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

static json_t *json_format(const char *format, va_list args)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), format, args);
	return json_from(text);
}

/* Takes the message. False, with errno, when it can't be written. */
static bool send_message(const char *kind, json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);
	bool sent;
	int error;

	json_decref(message);
	if (!text)
		abort(); /* out of memory: die would lead back to here */
	sent = frame_write(talk.out, kind, text, strlen(text));
	error = errno;
	free(text);
	errno = error;
	return sent;
}

static void leave(int status) __attribute__((noreturn));

static void leave(int status)
{
	if (talk.is_open)
		talk.sink->close();
	frame_in_release(&talk.in);
	exit(status);
}

/* dd-deliver is gone, and nobody is left to be told. */
static void say(const char *kind, json_t *message)
{
	if (!send_message(kind, message))
		leave(EX_TEMPFAIL);
}

void sink_fail(int status, const char *format, ...)
{
	va_list args;
	json_t *why;

	va_start(args, format);
	why = json_format(format, args);
	va_end(args);
	say("failed", json_pack("{s:i, s:o}", "exit", status, "why", why));
	leave(status);
}

/* The last words of die, which has printed them too: of use for what no handler foresaw. */
static void fail_dying(int status, const char *why)
{
	send_message("failed", json_pack("{s:i, s:o}", "exit", status, "why", json_from(why)));
}

static void verdict_whole(
	struct sink_verdict *v, const char *verdict, const char *reason, json_t *detail)
{
	json_decref(v->reply);
	v->records = NULL;
	v->reply = json_pack(
		"{s:s, s:s, s:o}", "verdict", verdict, "reason", reason, "detail", detail);
}

void sink_retry(
	struct sink_verdict *v, const char *reason, int64_t retry_after_ms, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict_whole(v, "retry", reason, json_format(format, args));
	va_end(args);
	if (retry_after_ms > 0)
		json_object_set_new(v->reply, "retry_after_ms", json_integer(retry_after_ms));
}

void sink_reject(struct sink_verdict *v, const char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict_whole(v, "rejected", reason, json_format(format, args));
	va_end(args);
}

void sink_reject_record(
	struct sink_verdict *v, size_t index, const char *reason, const char *format, ...)
{
	va_list args;

	if (!v->reply) {
		v->records = json_array();
		v->reply = json_pack("{s:o}", "records", v->records);
	}
	assert(v->records);
	va_start(args, format);
	json_array_append_new(v->records, json_pack("[I, s, s, o]", (json_int_t)index, "rejected",
						  reason, json_format(format, args)));
	va_end(args);
}

/* Reads the next frame; an end of input means that dd-deliver died. */
static void hear(struct frame *frame)
{
	const char *reason = frame_read(&talk.in, frame);

	if (reason == frame_end || reason == frame_cut)
		leave(EX_TEMPFAIL);
	if (reason)
		sink_fail(EX_SOFTWARE, "protocol: %s", reason);
}

static void target_open(const struct frame *frame)
{
	json_t *message = json_loadb(frame->payload, frame->len, JSON_REJECT_DUPLICATES, NULL);
	struct sink_target target = {.timeout_ms = TIMEOUT_MS};
	int protocol = 0;
	json_int_t timeout_ms = TIMEOUT_MS;

	if (json_unpack(message, "{s:i}", "protocol", &protocol) < 0)
		sink_fail(EX_SOFTWARE, "protocol: an open that names no protocol");
	if (protocol != PROTOCOL)
		sink_fail(EX_CONFIG,
			"dd-deliver speaks version %d of the helper protocol, this helper %d",
			protocol, PROTOCOL);
	if (json_unpack(message, "{s:s, s?I}", "url", &target.url, "timeout_ms", &timeout_ms) < 0 ||
		timeout_ms <= 0)
		sink_fail(EX_SOFTWARE, "protocol: an open with no url or a wrong timeout_ms");
	target.timeout_ms = timeout_ms;
	talk.is_open = true;
	talk.sink->open(&target);
	json_decref(message);
}

static void batch_check(const struct sink_batch *batch)
{
	if (batch->len == 0 || batch->lines[batch->len - 1] != '\n')
		sink_fail(EX_SOFTWARE, "protocol: a batch without a record or a last newline");
	if (batch->count > talk.sink->max_records || batch->len > talk.sink->max_bytes)
		sink_fail(EX_SOFTWARE, "protocol: a batch of %zu records, %zu bytes is too large",
			batch->count, batch->len);
}

static void batch_take(const struct frame *frame)
{
	struct sink_batch batch = {.lines = frame->payload, .len = frame->len};
	struct sink_verdict v = {0};
	const char *end = batch.lines + batch.len;

	for (const char *p = batch.lines; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		batch.count++;
	batch_check(&batch);
	talk.sink->batch(&batch, &v);
	say("verdict", v.reply ? v.reply : json_pack("{s:s}", "verdict", "accepted"));
}

static void talk_begin(const struct sink *sink)
{
	talk.sink = sink;
	frame_in_init(&talk.in, STDIN_FILENO, sink->max_bytes);
	/* A library that prints must not be heard as a frame. */
	talk.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (talk.out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die_errno(EX_TEMPFAIL, "cannot set stdout aside");
	signal(SIGPIPE, SIG_IGN);
	die_last_words(fail_dying);
	say("hello",
		json_pack("{s:i, s:s, s:[s], s:I, s:I}", "protocol", PROTOCOL, "sink", sink->name,
			"can", "batch", "max_records", (json_int_t)sink->max_records, "max_bytes",
			(json_int_t)sink->max_bytes));
}

int sink_run(const struct sink *sink, int argc, char **argv)
{
	struct frame frame;

	program_name_set(argv[0]);
	if (argc > 1)
		die(EX_USAGE, "dd-deliver starts this program, without arguments (dd-sink(7))");
	talk_begin(sink);
	hear(&frame);
	if (strcmp(frame.kind, "open") != 0)
		sink_fail(EX_CONFIG, "protocol: '%s' in place of 'open'", frame.kind);
	target_open(&frame);
	say("ready", json_object());
	for (;;) {
		hear(&frame);
		if (strcmp(frame.kind, "end") == 0)
			break;
		if (strcmp(frame.kind, "batch") != 0)
			sink_fail(EX_CONFIG, "protocol: cannot do '%s'", frame.kind);
		batch_take(&frame);
	}
	sink->close();
	talk.is_open = false;
	say("done", json_object());
	leave(EX_OK);
}
