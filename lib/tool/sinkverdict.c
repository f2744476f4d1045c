#include "tool/sinkverdict.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "record/text.h"

enum { TEXT_MAX = 4096 };

json_t *sink_text(const char *text)
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

json_t *sink_format(const char *format, va_list args)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), format, args);
	return sink_text(text);
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
	verdict_whole(v, "retry", reason, sink_format(format, args));
	va_end(args);
	if (retry_after_ms > 0)
		json_object_set_new(v->reply, "retry_after_ms", json_integer(retry_after_ms));
}

void sink_reject(struct sink_verdict *v, const char *reason, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verdict_whole(v, "rejected", reason, sink_format(format, args));
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
						  reason, sink_format(format, args)));
	va_end(args);
}
