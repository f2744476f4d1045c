/*
 * Event times: any value is read or refused with one of the three reasons, and what was read is
 * printed and read back the same. The first byte chooses the format, the second the value's type.
 */
#include "record/time.h"

#include "replay.h"

static const char *const formats[] = {"auto", "rfc3339", "s", "ms", "us", "ns", "%Y-%m-%d %H:%M:%S",
	"%d/%b/%Y:%T %z", "%Y %j", "%I:%M %p %e %B %y %a"};
static const enum span_type types[] = {SPAN_STRING, SPAN_NUMBER, SPAN_NULL, SPAN_MISSING,
	SPAN_ARRAY, SPAN_OBJECT, SPAN_TRUE, SPAN_FALSE};

static void print_and_read(int64_t ns)
{
	char text[TIME_TEXT_MAX + SCAN_PAD] = "";
	struct span s = {.at = text, .type = SPAN_STRING};
	struct time_format f;
	int64_t back;

	s.len = (uint32_t)time_print(text, ns);
	must(s.len == strlen(text) && text[s.len - 1] == 'Z');
	text[s.len] = '"';
	must(!time_format_set(&f, "rfc3339", NULL));
	must(!time_read(&f, &s, &back) && back == ns);
	time_format_release(&f);
}

static void read_value(const struct span *s, const char *format, const char *zone)
{
	struct time_format f;
	const char *why;
	int64_t ns;

	must(!time_format_set(&f, format, zone));
	why = time_read(&f, s, &ns);
	if (why)
		must(f.detail && (strcmp(why, "no_time") == 0 || strcmp(why, "bad_time") == 0 ||
					 (strcmp(why, "no_time_zone") == 0 && !zone)));
	else
		print_and_read(ns);
	time_format_release(&f);
}

/* Scanned text: a string's bytes with a quote behind them; a number is one. */
static bool is_scanned(const char *text, size_t len, enum span_type type, bool *escaped)
{
	char *line = malloc(len + 3 + SCAN_PAD);
	struct paths none;
	struct span root;
	size_t where, quotes = type == SPAN_STRING;
	const char *why;

	paths_init(&none);
	line[0] = '"';
	memcpy(line + quotes, text, len);
	line[quotes + len] = '"';
	line[2 * quotes + len] = '\n';
	why = scan(&none, line, len + 2 * quotes, &root, NULL, &where);
	*escaped = !why && root.escaped;
	paths_release(&none);
	free(line);
	return !why && root.type == type && root.len == len;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *format;
	struct span s;
	char *text;
	bool escaped = false;

	if (len < 2 || memchr(bytes, '\n', len))
		return 0;
	format = formats[bytes[0] % (sizeof(formats) / sizeof(*formats))];
	text = malloc(len + 1 + SCAN_PAD);
	memcpy(text, bytes + 2, len - 2);
	memset(text + len - 2, '"', SCAN_PAD + 3);
	s = (struct span){.at = text,
		.len = (uint32_t)len - 2,
		.type = (uint8_t)types[bytes[1] % (sizeof(types) / sizeof(*types))]};
	if ((s.type != SPAN_STRING && s.type != SPAN_NUMBER) ||
		is_scanned(text, s.len, s.type, &escaped)) {
		s.escaped = s.type == SPAN_STRING && escaped;
		read_value(&s, format, NULL);
		read_value(&s, format, "Europe/Berlin");
	}
	free(text);
	return 0;
}
