#include "tool/sink.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "io/frame.h"

enum { PROTOCOL = 1, TIMEOUT_MS = 30000, KEY_MAX = 255 };

static_assert((int)FRAME_PAD >= (int)SCAN_PAD, "a batch is scanned where it was read");

/* How far the conversation has come. Without a fence there are no epochs. */
enum place { AT_START = 1, UNFENCED = 2, BETWEEN_EPOCHS = 4, IN_EPOCH = 8, PREPARED = 16 };

/* The conversation. At file scope because a failure anywhere ends it. */
static struct {
	const struct sink *sink;
	struct frame_in in;
	int out;
	bool is_open;
	bool is_keyed; /* each batch follows its key */
	char key[KEY_MAX + 1];
	enum place place;
	struct held claim; /* the fence's incarnation and run, and the epoch prepared */
} talk;

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
	why = sink_format(format, args);
	va_end(args);
	say("failed", json_pack("{s:i, s:o}", "exit", status, "why", why));
	leave(status);
}

/* The last words of die, which has printed them too: of use for what no handler foresaw. */
static void fail_dying(int status, const char *why)
{
	send_message("failed", json_pack("{s:i, s:o}", "exit", status, "why", sink_text(why)));
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

static json_t *message_read(const struct frame *frame)
{
	return json_loadb(frame->payload, frame->len, JSON_REJECT_DUPLICATES, NULL);
}

static void out_of_place(const struct frame *frame) __attribute__((noreturn));

static void out_of_place(const struct frame *frame)
{
	sink_fail(EX_CONFIG, "protocol: cannot do '%s' here", frame->kind);
}

static void malformed(const struct frame *frame) __attribute__((noreturn));

static void malformed(const struct frame *frame)
{
	sink_fail(EX_SOFTWARE, "protocol: '%s' lacks a member, or has a wrong one", frame->kind);
}

static void target_open(const struct frame *frame)
{
	json_t *message = message_read(frame);
	struct sink_target target = {.timeout_ms = TIMEOUT_MS};
	int protocol = 0, is_keyed = 0;
	json_int_t timeout_ms = TIMEOUT_MS;

	if (json_unpack(message, "{s:i}", "protocol", &protocol) < 0)
		sink_fail(EX_SOFTWARE, "protocol: an open that names no protocol");
	if (protocol != PROTOCOL)
		sink_fail(EX_CONFIG,
			"dd-deliver speaks version %d of the helper protocol, this helper %d",
			protocol, PROTOCOL);
	if (json_unpack(message, "{s:s, s?I, s?b}", "url", &target.url, "timeout_ms", &timeout_ms,
		    "idempotency", &is_keyed) < 0 ||
		timeout_ms <= 0)
		sink_fail(EX_SOFTWARE, "protocol: an open with no url or a wrong timeout_ms");
	target.timeout_ms = timeout_ms;
	talk.is_keyed = is_keyed;
	if (is_keyed && !talk.sink->can_keys)
		sink_fail(EX_CONFIG, "protocol: this helper cannot do keys");
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
	struct sink_batch batch = {
		.lines = frame->payload,
		.len = frame->len,
		.key = talk.is_keyed ? talk.key : NULL,
	};
	struct sink_verdict v = {0};
	const char *end = batch.lines + batch.len;

	if (talk.is_keyed && !*talk.key)
		out_of_place(frame);
	for (const char *p = batch.lines; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		batch.count++;
	batch_check(&batch);
	talk.sink->batch(&batch, &v);
	*talk.key = '\0';
	talk.place = talk.place & (AT_START | UNFENCED) ? UNFENCED : IN_EPOCH;
	say("verdict", v.reply ? v.reply : json_pack("{s:s}", "verdict", "accepted"));
}

static bool is_key(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= KEY_MAX;
}

static void key_take(const struct frame *frame)
{
	json_t *message = message_read(frame);
	const char *key;

	if (!talk.is_keyed)
		out_of_place(frame);
	if (json_unpack(message, "{s:s}", "key", &key) < 0 || !is_key(key))
		malformed(frame);
	memcpy(talk.key, key, strlen(key) + 1);
	json_decref(message);
}

static void fence_take(const struct frame *frame)
{
	json_t *message = message_read(frame);
	struct sink_claim claim;
	struct held held;
	const char *incarnation, *run;

	if (!talk.sink->fence)
		out_of_place(frame);
	if (json_unpack(message, "{s:s, s:s, s:s, s:s}", "pipeline", &claim.pipeline, "stage",
		    &claim.stage, "incarnation", &incarnation, "run", &run) < 0 ||
		!incarnation_read(incarnation, talk.claim.incarnation) ||
		!run_read(run, &talk.claim.at.run))
		malformed(frame);
	claim.run = talk.claim.at.run;
	talk.sink->fence(&claim, &held);
	json_decref(message);
	talk.place = BETWEEN_EPOCHS;
	say("held", held_json(&held));
}

static void take_take(const struct frame *frame)
{
	json_t *message = message_read(frame);
	struct held becomes;

	if (!held_read(message, &becomes) || !becomes.is_there)
		malformed(frame);
	json_decref(message);
	talk.sink->take(&becomes);
	say("taken", json_object());
}

static void prepare_take(const struct frame *frame)
{
	json_t *message = message_read(frame);
	json_int_t epoch;

	if (json_unpack(message, "{s:I}", "epoch", &epoch) < 0 || epoch < 1)
		malformed(frame);
	json_decref(message);
	talk.claim.at.number = (uint64_t)epoch;
	talk.sink->prepare(talk.claim.at.number);
	talk.place = PREPARED;
	say("prepared", json_object());
}

static void commit_take(const struct frame *frame)
{
	json_t *message = message_read(frame);
	struct held becomes;
	int over = 0;

	if (!held_read(message, &becomes) || !becomes.is_there ||
		json_unpack(message, "{s?b}", "over", &over) < 0 ||
		becomes.at.number != talk.claim.at.number || becomes.at.run != talk.claim.at.run ||
		strcmp(becomes.incarnation, talk.claim.incarnation) != 0)
		malformed(frame);
	json_decref(message);
	talk.sink->commit(&becomes, over);
	talk.place = BETWEEN_EPOCHS;
	say("committed", json_object());
}

static void end_take(const struct frame *frame)
{
	(void)frame;
	talk.sink->close();
	talk.is_open = false;
	say("done", json_object());
	leave(EX_OK);
}

/* What dd-deliver may say, and where. */
static const struct order {
	const char *kind;
	void (*take)(const struct frame *frame);
	unsigned places;
} orders[] = {
	{"batch", batch_take, AT_START | UNFENCED | BETWEEN_EPOCHS | IN_EPOCH},
	{"key", key_take, AT_START | UNFENCED | BETWEEN_EPOCHS | IN_EPOCH},
	{"fence", fence_take, AT_START},
	{"take", take_take, BETWEEN_EPOCHS},
	{"prepare", prepare_take, BETWEEN_EPOCHS | IN_EPOCH},
	{"commit", commit_take, PREPARED},
	{"end", end_take, AT_START | UNFENCED | BETWEEN_EPOCHS},
};

static const struct order *order_find(const struct frame *frame)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (strcmp(orders[i].kind, frame->kind) == 0 &&
			(orders[i].places & (unsigned)talk.place))
			return &orders[i];
	out_of_place(frame);
}

static json_t *abilities(void)
{
	json_t *can = json_pack("[s]", "batch");

	if (talk.sink->fence)
		json_array_append_new(can, json_string("transactions"));
	if (talk.sink->can_keys)
		json_array_append_new(can, json_string("keys"));
	return can;
}

static void talk_begin(const struct sink *sink)
{
	talk.sink = sink;
	talk.place = AT_START;
	frame_in_init(&talk.in, STDIN_FILENO, sink->max_bytes);
	/* A library that prints must not be heard as a frame. */
	talk.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (talk.out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		die_errno(EX_TEMPFAIL, "cannot set stdout aside");
	signal(SIGPIPE, SIG_IGN);
	die_last_words(fail_dying);
	say("hello",
		json_pack("{s:i, s:s, s:o, s:I, s:I}", "protocol", PROTOCOL, "sink", sink->name,
			"can", abilities(), "max_records", (json_int_t)sink->max_records,
			"max_bytes", (json_int_t)sink->max_bytes));
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
		order_find(&frame)->take(&frame);
	}
}
