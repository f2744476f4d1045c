#include "record/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "record/scan.h"
#include "record/text.h"
#include "record/time.h"

enum { RUN_DIGITS = 16 };

static bool run_from_hex(const char *text, size_t len, uint64_t *run)
{
	*run = 0;
	if (len != RUN_DIGITS)
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		*run = *run << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

static bool time_from(const char *text, size_t len, int64_t *ns)
{
	const struct span at = {.at = text, .len = (uint32_t)len, .type = SPAN_STRING};
	struct time_format format;
	bool good;

	time_format_set(&format, "rfc3339", NULL);
	good = !time_read(&format, &at, ns);
	time_format_release(&format);
	return good;
}

/* The shape that watermarks have as they are written; anything else takes the long way. */
static bool watermark_read(struct control *c, const char *line, size_t len)
{
	static const char head[] = "{\"$dd\":{", run_key[] = "\"run\":\"",
			  key[] = "\"watermark\":\"";
	const char *p = line + sizeof(head) - 1, *end = line + len;
	const char *time;

	if (memcmp(line, head, sizeof(head) - 1) != 0)
		return false;
	if (memcmp(p, run_key, sizeof(run_key) - 1) == 0) {
		p += sizeof(run_key) - 1;
		if (end - p < RUN_DIGITS + 2 || !run_from_hex(p, RUN_DIGITS, &c->run) ||
			p[RUN_DIGITS] != '"' || p[RUN_DIGITS + 1] != ',')
			return false;
		c->has_run = true;
		p += RUN_DIGITS + 2;
	}
	if (memcmp(p, key, sizeof(key) - 1) != 0)
		return false;
	time = p + sizeof(key) - 1;
	if (end - time < 3 || memcmp(end - 3, "\"}}", 3) != 0)
		return false;
	c->kind = CONTROL_WATERMARK;
	return time_from(time, (size_t)(end - 3 - time), &c->watermark_ns);
}

static const char *open_read(struct control *c, const json_t *open)
{
	const json_t *epoch = json_object_get(open, "epoch"), *of = json_object_get(open, "of");

	c->kind = CONTROL_OPEN;
	c->text = json_string_value(json_object_get(open, "pipeline"));
	c->epoch = (uint64_t)json_integer_value(epoch);
	if (!json_is_integer(epoch) || json_integer_value(epoch) < 0 || !c->has_run)
		return "an 'open' without run and epoch";
	c->incarnation = json_string_value(json_object_get(open, "incarnation"));
	c->is_new = json_is_true(json_object_get(open, "new"));
	if (c->incarnation && json_is_string(of) &&
		!run_from_hex(json_string_value(of), json_string_length(of), &c->of))
		return "an 'open' whose 'of' is not 16 hexadecimal digits";
	c->version = json_integer_value(json_object_get(open, "v"));
	return NULL;
}

static const char *barrier_read(struct control *c, const json_t *body, const json_t *epoch)
{
	const json_t *last = json_object_get(body, "last");
	const char *how = json_string_value(last),
		   *by = json_string_value(json_object_get(body, "by"));

	c->kind = CONTROL_BARRIER;
	c->epoch = (uint64_t)json_integer_value(epoch);
	c->is_last = how != NULL;
	c->is_end = how && strcmp(how, "end") == 0;
	c->is_once = how && !c->is_end && by && strcmp(by, "once") == 0;
	if (json_integer_value(epoch) <= 0 || !c->has_run)
		return "a barrier without run and number";
	if (!json_is_array(json_object_get(body, "stages")))
		return "a barrier without stages";
	if (last && !c->is_end && (!how || strcmp(how, "pause") != 0))
		return "a barrier whose 'last' is neither 'end' nor 'pause'";
	return NULL;
}

static const char *abort_read(struct control *c, const json_t *body)
{
	const json_t *status = json_object_get(body, "exit");

	c->kind = CONTROL_ABORT;
	c->text = json_string_value(json_object_get(body, "why"));
	c->stage = json_string_value(json_object_get(body, "stage"));
	if (json_integer_value(status) < 1 || json_integer_value(status) > 255 || !c->text ||
		!c->stage || !c->has_run)
		return "an 'abort' without run, stage, exit and why";
	c->exit = (int)json_integer_value(status);
	return NULL;
}

static const char *watermark_body_read(struct control *c, const json_t *time)
{
	c->kind = CONTROL_WATERMARK;
	if (!json_is_string(time) ||
		!time_from(json_string_value(time), json_string_length(time), &c->watermark_ns))
		return "a watermark that is not an RFC 3339 time";
	return NULL;
}

static const char *body_read(struct control *c, const json_t *body)
{
	const json_t *run = json_object_get(body, "run"), *part;

	c->has_run = run != NULL;
	if (run && !run_from_hex(json_is_string(run) ? json_string_value(run) : "",
			   json_string_length(run), &c->run))
		return "a control line whose run is not 16 hexadecimal digits";
	if ((part = json_object_get(body, "watermark")))
		return watermark_body_read(c, part);
	if ((part = json_object_get(body, "barrier")))
		return barrier_read(c, body, part);
	if ((part = json_object_get(body, "open")))
		return open_read(c, part);
	if ((part = json_object_get(body, "abort")))
		return abort_read(c, part);
	c->kind = CONTROL_UNKNOWN;
	return NULL;
}

const char *control_read(struct control *c, const char *line, size_t len)
{
	const json_t *body;

	*c = (struct control){0};
	if (watermark_read(c, line, len))
		return NULL;
	*c = (struct control){.document = json_loadb(line, len, 0, NULL)};
	body = json_object_get(c->document, "$dd");
	if (!json_is_object(body) || json_object_size(c->document) != 1)
		return "the key $dd is reserved for control lines";
	return body_read(c, body);
}

void control_release(struct control *c)
{
	json_decref(c->document);
	c->document = NULL;
}

static json_t *checked(json_t *document)
{
	if (!document)
		die(EX_TEMPFAIL, "out of memory for a control line");
	return document;
}

static void write_line(struct buf *to, const json_t *document)
{
	char *text = json_dumps(document, JSON_COMPACT);

	if (!text)
		die(EX_TEMPFAIL, "out of memory for a control line");
	buf_text(to, text);
	buf_char(to, '\n');
	free(text);
}

static void run_text(char out[RUN_DIGITS + 1], uint64_t run)
{
	for (size_t i = RUN_DIGITS; i-- > 0; run >>= 4)
		out[i] = "0123456789abcdef"[run & 15];
	out[RUN_DIGITS] = 0;
}

void control_open(struct buf *to, uint64_t run, const char *pipeline, const struct control_start *s)
{
	char name[RUN_DIGITS + 1], of[RUN_DIGITS + 1];
	json_t *line;

	run_text(name, run);
	run_text(of, s->of);
	line = checked(json_pack("{s{sss{si ss ss* sI ss* so*}}}", "$dd", "run", name, "open", "v",
		CONTROL_VERSION, "pipeline", pipeline, "incarnation", s->incarnation, "epoch",
		(json_int_t)s->epoch, "of", s->incarnation ? of : NULL, "new",
		s->incarnation && s->is_new ? json_true() : NULL));
	write_line(to, line);
	json_decref(line);
}

void control_watermark(struct buf *to, const uint64_t *run, int64_t watermark_ns)
{
	char name[RUN_DIGITS + 1], time[TIME_TEXT_MAX];

	time_print(time, watermark_ns);
	buf_text(to, "{\"$dd\":{");
	if (run) {
		run_text(name, *run);
		buf_text(to, "\"run\":\"");
		buf_text(to, name);
		buf_text(to, "\",");
	}
	buf_text(to, "\"watermark\":\"");
	buf_text(to, time);
	buf_text(to, "\"}}\n");
}

void control_abort(struct buf *to, uint64_t run, const char *stage, int exit, const char *why)
{
	char name[RUN_DIGITS + 1];
	json_t *text = json_string(why);
	json_t *line;

	/* what a message quotes of the input need not be UTF-8 */
	if (!text)
		text = json_string("a cause that cannot be quoted; see its stage's messages");
	run_text(name, run);
	line = checked(json_pack("{s{sss{sssiso}}}", "$dd", "run", name, "abort", "stage", stage,
		"exit", exit, "why", text));
	write_line(to, line);
	json_decref(line);
}

void control_barrier(
	struct buf *to, uint64_t run, uint64_t epoch, const char *last, json_t *stage_balance)
{
	bool is_pause = last && strcmp(last, "end") != 0;
	char name[RUN_DIGITS + 1];
	json_t *line;

	run_text(name, run);
	line = checked(json_pack("{s{sssIs[o]ss*ss*}}", "$dd", "run", name, "barrier",
		(json_int_t)epoch, "stages", stage_balance, "last", is_pause ? "pause" : last, "by",
		is_pause ? last : NULL));
	write_line(to, line);
	json_decref(line);
}

void control_barrier_joined(struct buf *to, const struct control *c, json_t *stage_balance)
{
	json_t *body = json_object_get(c->document, "$dd");

	if (json_array_append_new(json_object_get(body, "stages"), stage_balance) != 0)
		die(EX_TEMPFAIL, "out of memory for a control line");
	write_line(to, c->document);
}
