#include "tool/helper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/die.h"
#include "base/mem.h"
#include "io/loop.h"

enum {
	PROTOCOL = 1,
	ANSWER_BYTES_MAX = 16 << 20,
	REASON_MAX = 64,
	EXIT_MAX = 125, /* above it a shell means something else */
};

static const char other_reason[] = "rejected";

void helper_init(struct helper *h, struct filter *f, const char *scheme, size_t scheme_len)
{
	const char *why, *path, *slash;

	*h = (struct helper){.filter = f};
	buf_init(&h->path);
	why = spawn_helper_path(scheme, scheme_len, &h->path);
	path = buf_string(&h->path);
	slash = strrchr(path, '/');
	if (why && slash)
		die(EX_USAGE, "'%.*s:': %s: neither '%s' nor '%.*s/../libexec/ddpipe%s' can be run",
			(int)scheme_len, scheme, why, path, (int)(slash - path), path, slash);
	if (why)
		die(EX_USAGE, "'%.*s': %s", (int)scheme_len, scheme, why);
	h->name = slash + 1;
}

void helper_release(struct helper *h)
{
	for (unsigned i = 0; i < h->reason_count; i++)
		free(h->reasons[i]);
	free(h->exceptions);
	json_decref(h->can);
	json_decref(h->message);
	frame_in_release(&h->in);
	buf_release(&h->path);
}

/* It speaks no more: says how it ended, and ends too. */
static void mourn(struct helper *h, const char *what) __attribute__((noreturn));

static void mourn(struct helper *h, const char *what)
{
	int status = spawn_reap(&h->child);

	if (WIFSIGNALED(status))
		die(EX_SOFTWARE, "%s was killed by signal %d (%s) %s", h->name, WTERMSIG(status),
			strsignal(WTERMSIG(status)), what);
	die(EX_SOFTWARE, "%s ended with status %d and no word %s", h->name, WEXITSTATUS(status),
		what);
}

static void breach(const struct helper *h, const char *why) __attribute__((noreturn));

static void breach(const struct helper *h, const char *why)
{
	die(EX_SOFTWARE, "%s breaks the protocol: %s", h->name, why);
}

static void failed(struct helper *h) __attribute__((noreturn));

static void failed(struct helper *h)
{
	const char *why = NULL;
	int status = 0;

	if (json_unpack(h->message, "{s:i, s:s}", "exit", &status, "why", &why) < 0)
		breach(h, "a 'failed' without exit and why");
	spawn_reap(&h->child);
	if (status <= 0 || status > EXIT_MAX)
		status = EX_SOFTWARE;
	die(status, "%s: %s", h->name, why);
}

/* Waits for a message, which must be of this kind. */
static void hear(struct helper *h, const char *kind)
{
	struct frame frame;
	const char *why;

	if (h->in.at == h->in.bytes.len)
		while (!filter_wait(h->filter, h->child.from, LOOP_NEVER))
			;
	why = frame_read(&h->in, &frame);
	if (why == frame_end || why == frame_cut)
		mourn(h, "when it was to answer");
	if (why)
		breach(h, why);
	json_decref(h->message);
	h->message = json_loadb(frame.payload, frame.len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(h->message))
		breach(h, "a message that is no JSON object");
	if (strcmp(frame.kind, "failed") == 0)
		failed(h);
	if (strcmp(frame.kind, kind) != 0)
		breach(h, "a message of another kind than is its turn");
}

/* A helper that has failed may not have read this; its last words are there to be heard. */
static void say(struct helper *h, const char *kind, const void *payload, size_t len)
{
	if (!frame_write(h->child.to, kind, payload, len) && errno != EPIPE)
		die_errno(EX_OSERR, "cannot write to %s", h->name);
}

/* Takes the message. */
static void say_message(struct helper *h, const char *kind, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;

	json_decref(message);
	if (!text)
		die(EX_TEMPFAIL, "out of memory");
	say(h, kind, text, strlen(text));
	free(text);
}

bool helper_can(const struct helper *h, const char *capability)
{
	for (size_t i = 0; i < json_array_size(h->can); i++) {
		const char *name = json_string_value(json_array_get(h->can, i));

		if (name && strcmp(name, capability) == 0)
			return true;
	}
	return false;
}

static void hello(struct helper *h)
{
	json_int_t records, bytes;
	int protocol;

	hear(h, "hello");
	if (json_unpack(h->message, "{s:i}", "protocol", &protocol) < 0)
		breach(h, "a hello without protocol");
	if (protocol != PROTOCOL)
		die(EX_CONFIG, "%s speaks version %d of the helper protocol, dd-deliver %d",
			h->name, protocol, PROTOCOL);
	if (json_unpack(h->message, "{s:O, s:I, s:I}", "can", &h->can, "max_records", &records,
		    "max_bytes", &bytes) < 0 ||
		records < 1 || bytes < 1)
		breach(h, "a hello without can, max_records or max_bytes");
	if (!helper_can(h, "batch"))
		die(EX_CONFIG, "%s cannot take batches", h->name);
	h->max_records = (uint64_t)records;
	h->max_bytes = (uint64_t)bytes;
}

void helper_open(struct helper *h, const char *url, int64_t timeout_ms)
{
	json_t *message;

	if (!spawn(&h->child, buf_string(&h->path)))
		die_errno(EX_OSERR, "cannot start '%s'", buf_string(&h->path));
	frame_in_init(&h->in, h->child.from, ANSWER_BYTES_MAX);
	hello(h);
	message = json_pack("{s:i, s:s, s:s, s:s, s:I}", "protocol", PROTOCOL, "url", url,
		"pipeline", h->filter->pipeline, "stage", h->filter->name, "timeout_ms",
		(json_int_t)timeout_ms);
	if (!message)
		die(EX_USAGE, "the URL is not UTF-8");
	if (h->gives_keys && helper_can(h, "keys"))
		json_object_set_new(message, "idempotency", json_true());
	say_message(h, "open", message);
	hear(h, "ready");
}

static bool is_reason(const char *text)
{
	return *text && strlen(text) <= REASON_MAX &&
	       !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

/* The one copy of a reason: it is counted by after its message is gone. */
static const char *reason_keep(struct helper *h, const char *reason)
{
	if (!reason || !is_reason(reason))
		breach(h, "a reason that is not [a-z0-9_]+");
	for (unsigned i = 0; i < h->reason_count; i++)
		if (strcmp(h->reasons[i], reason) == 0)
			return h->reasons[i];
	if (h->reason_count == HELPER_REASONS_MAX)
		return other_reason;
	h->reasons[h->reason_count] = mem_string(reason);
	return h->reasons[h->reason_count++];
}

static struct helper_verdict verdict_read(
	struct helper *h, const char *word, const char *reason, const char *detail)
{
	struct helper_verdict v = {.outcome = HELPER_ACCEPTED, .detail = detail};

	if (word && strcmp(word, "accepted") == 0)
		return v;
	if (word && strcmp(word, "retry") == 0)
		v.outcome = HELPER_RETRY;
	else if (word && strcmp(word, "rejected") == 0)
		v.outcome = HELPER_REJECTED;
	else
		breach(h, "a verdict other than accepted, retry and rejected");
	v.reason = reason_keep(h, reason);
	return v;
}

static struct helper_exception *exceptions_room(struct helper *h, size_t count)
{
	if (count > h->exception_cap) {
		h->exceptions = mem_resize(h->exceptions, count * sizeof(*h->exceptions));
		h->exception_cap = count;
	}
	return h->exceptions;
}

static void exceptions_read(
	struct helper *h, const json_t *list, size_t batch_count, struct helper_answer *answer)
{
	size_t count = json_array_size(list), above = 0;
	struct helper_exception *e = exceptions_room(h, count);

	for (size_t i = 0; i < count; i++) {
		const char *word, *reason = NULL, *detail = NULL;
		json_int_t place;

		if (json_unpack(json_array_get(list, i), "[I, s, s, s]", &place, &word, &reason,
			    &detail) < 0)
			breach(h, "a record that is not [NUMBER, VERDICT, REASON, DETAIL]");
		if (place < 0 || (uint64_t)place < above || (uint64_t)place >= batch_count)
			breach(h, "records that are not in the batch or not ascending");
		e[i].place = (size_t)place;
		e[i].verdict = verdict_read(h, word, reason, detail);
		if (e[i].verdict.outcome == HELPER_ACCEPTED)
			breach(h, "an accepted record in the list of the others");
		above = e[i].place + 1;
	}
	answer->exceptions = e;
	answer->exception_count = count;
}

void helper_batch(
	struct helper *h, const void *lines, size_t len, size_t count, struct helper_answer *answer)
{
	const char *word = NULL, *reason = NULL, *detail = NULL;
	json_t *list = NULL;
	json_int_t retry_after_ms = 0;

	*answer = (struct helper_answer){.exceptions = NULL};
	say(h, "batch", lines, len);
	hear(h, "verdict");
	if (json_unpack(h->message, "{s?s, s?s, s?s, s?o, s?I}", "verdict", &word, "reason",
		    &reason, "detail", &detail, "records", &list, "retry_after_ms",
		    &retry_after_ms) < 0)
		breach(h, "a verdict with a member of a wrong type");
	if (!word == !json_is_array(list))
		breach(h, "a verdict that has not one of verdict and records");
	if (word)
		answer->all = verdict_read(h, word, reason, detail);
	else
		exceptions_read(h, list, count, answer);
	if (retry_after_ms > 0)
		answer->retry_after_ms = (uint64_t)retry_after_ms;
}

void helper_key(struct helper *h, const char *key)
{
	if (helper_can(h, "keys"))
		say_message(h, "key", json_pack("{s:s}", "key", key));
}

void helper_fence(struct helper *h, const char *incarnation, uint64_t run, struct held *held)
{
	char run_text[RUN_DIGITS + 1];

	run_print(run_text, run);
	say_message(h, "fence",
		json_pack("{s:s, s:s, s:s, s:s}", "pipeline", h->filter->pipeline, "stage",
			h->filter->name, "incarnation", incarnation, "run", run_text));
	hear(h, "held");
	if (!held_read(h->message, held))
		breach(h, "a 'held' that is neither {} nor incarnation, epoch and run");
}

void helper_take(struct helper *h, const struct held *becomes)
{
	say_message(h, "take", held_json(becomes));
	hear(h, "taken");
}

void helper_prepare(struct helper *h, uint64_t epoch)
{
	say_message(h, "prepare", json_pack("{s:I}", "epoch", (json_int_t)epoch));
	hear(h, "prepared");
}

void helper_commit(struct helper *h, const struct held *becomes, bool over)
{
	json_t *message = held_json(becomes);

	if (over)
		json_object_set_new(message, "over", json_true());
	say_message(h, "commit", message);
	hear(h, "committed");
}

void helper_end(struct helper *h)
{
	int status;

	say(h, "end", "{}", 2);
	hear(h, "done");
	status = spawn_reap(&h->child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		die(EX_SOFTWARE, "%s said that it is done and then failed (status %#x of wait)",
			h->name, (unsigned)status);
}
