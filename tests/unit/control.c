#include "record/control.h"

#include "base/mem.h"
#include "record/scan.h"
#include "test.h"

static const uint64_t run = 0x8f3ab2c49d01e657;

/* Reads a line that ends where the contract lets it end. */
static const char *read_line(struct control *c, const char *text, size_t len)
{
	char *line = mem_zero(1, len + 1 + SCAN_PAD);
	const char *why;

	memcpy(line, text, len);
	line[len] = '\n';
	why = control_read(c, line, len);
	free(line);
	return why;
}

static void check_refused(const char *text, const char *want)
{
	struct control c;

	check_text(read_line(&c, text, strlen(text)), want);
	control_release(&c);
}

static struct control read_good(const char *text)
{
	struct control c;
	const char *why = read_line(&c, text, strlen(text));

	if (why)
		fprintf(stderr, "%s: %s\n", text, why);
	check(!why);
	return c;
}

/* What was written is one line, begins as control lines do, and is read. */
static struct control read_written(struct buf *line)
{
	struct control c;

	check(line->len && line->data[line->len - 1] == '\n');
	check(memchr(line->data, '\n', line->len) == line->data + line->len - 1);
	check(control_begins(line->data, line->len - 1));
	check(!read_line(&c, line->data, line->len - 1));
	return c;
}

void test_begins(void)
{
	check(control_begins("{\"$dd\":", 7));
	check(control_begins("{\"$dd\":1}", 9));
	check(!control_begins("{\"$dd\":", 6));
	check(!control_begins("{ \"$dd\":1}", 10));
	check(!control_begins("{\"$dd\" :1}", 10));
	check(!control_begins("{\"$de\":1}", 9));
	check(!control_begins("", 0));
}

void test_open(void)
{
	struct buf line;
	struct control c;

	buf_init(&line);
	control_open(&line, 0x1f, "orders", &(struct control_start){.epoch = 41});
	check_text(buf_string(&line), "{\"$dd\":{\"run\":\"000000000000001f\",\"open\":{\"v\":1,"
				      "\"pipeline\":\"orders\",\"epoch\":41}}}\n");
	c = read_written(&line);
	check_int(c.kind, CONTROL_OPEN);
	check(c.has_run && c.run == 0x1f);
	check_int(c.epoch, 41);
	check_text(c.text, "orders");
	control_release(&c);
	buf_release(&line);
	c = read_good("{\"$dd\":{\"open\":{\"epoch\":0,\"v\":1,\"of\":\"x\",\"new\":true},"
		      "\"run\":\"8f3ab2c49d01e657\"}}");
	check(c.kind == CONTROL_OPEN && c.run == run && c.epoch == 0);
	control_release(&c);
}

void test_open_malformed(void)
{
	static const char none[] = "an 'open' without run and epoch";

	check_refused("{\"$dd\":{\"open\":{\"v\":1,\"epoch\":0}}}", none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":{\"v\":1}}}", none);
	check_refused(
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":{\"v\":1,\"epoch\":-1}}}", none);
	check_refused(
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":{\"v\":1,\"epoch\":1.0}}}", none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":{\"v\":1,\"epoch\":\"1\"}}}",
		none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":[]}}", none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"open\":null}}", none);
}

void test_runs_malformed(void)
{
	static const char *const runs[] = {"8f3ab2c49d01e65", "8f3ab2c49d01e6577",
		"8F3AB2C49D01E657", "8f3ab2c49d01e65g", " f3ab2c49d01e657", "", "0x3ab2c49d01e657"};
	static const char want[] = "a control line whose run is not 16 hexadecimal digits";
	char line[128];

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		snprintf(line, sizeof(line),
			"{\"$dd\":{\"run\":\"%s\",\"watermark\":\"2026-05-01T12:00:00Z\"}}",
			runs[i]);
		check_refused(line, want);
		snprintf(line, sizeof(line), "{\"$dd\":{\"run\":\"%s\",\"x\":1}}", runs[i]);
		check_refused(line, want);
	}
	check_refused("{\"$dd\":{\"run\":null,\"x\":1}}", want);
	check_refused("{\"$dd\":{\"run\":1234567890123456}}", want);
}

static void check_watermark_round(const uint64_t *of, int64_t ns)
{
	struct buf line;
	struct control c;

	buf_init(&line);
	control_watermark(&line, of, ns);
	c = read_written(&line);
	check_int(c.kind, CONTROL_WATERMARK);
	check_int(c.watermark_ns, ns);
	check_int(c.has_run, of != NULL);
	check(!of || c.run == *of);
	/* the shape that is written is read without a tree */
	check(!c.document);
	control_release(&c);
	buf_release(&line);
}

void test_watermarks(void)
{
	static const int64_t times[] = {0, 1, -1, 1777636800000000000, 1777636800120000000,
		1777636800000001000, INT64_MAX, INT64_MIN};
	static const uint64_t runs[] = {0, 1, UINT64_MAX, 0x8f3ab2c49d01e657};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		check_watermark_round(NULL, times[i]);
		for (size_t k = 0; k < sizeof(runs) / sizeof(*runs); k++)
			check_watermark_round(&runs[k], times[i]);
	}
}

/* JSON may be written in many ways; an NDJSON tool may have written it anew. */
void test_watermarks_in_other_forms(void)
{
	static const char *const forms[] = {
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"2026-05-01T12:00:00Z\"}}",
		"{\"$dd\":{\"watermark\":\"2026-05-01T12:00:00Z\",\"run\":\"8f3ab2c49d01e657\"}}",
		"{\"$dd\": { \"run\" : \"8f3ab2c49d01e657\" , "
		"\"watermark\":\"2026-05-01T12:00:00Z\" }\t}\r",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"2026-05-01T14:00:00+02:"
		"00\"}}",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"2026-05-01T12:00:00.000Z\"}"
		" }",
		"{\"$dd\":{\"run\":\"\\u0038f3ab2c49d01e657\",\"watermark\":\"2026-05-"
		"01T12\\u003a00:00Z\"}}",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"2026-05-01T12:00:00Z\","
		"\"x\":[]}}",
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct control c = read_good(forms[i]);

		check_int(c.kind, CONTROL_WATERMARK);
		check(c.has_run && c.run == run);
		check_int(c.watermark_ns, 1777636800000000000);
		control_release(&c);
	}
}

void test_watermarks_malformed(void)
{
	static const char *const times[] = {"\"\"", "null", "1777636800", "{}", "\"2026-05-01\"",
		"\"2026-05-01T12:00:00\"", "\"2026-05-01T12:00:00Z\\u0020\"",
		"\"2026-13-01T12:00:00Z\"", "\"9999-05-01T12:00:00Z\"",
		"\"2026-05-01T12:00:00Zx\""};
	char line[128];

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		snprintf(line, sizeof(line), "{\"$dd\":{\"watermark\":%s}}", times[i]);
		check_refused(line, "a watermark that is not an RFC 3339 time");
	}
}

static json_t *balance(const char *name)
{
	return json_pack("{sssi}", "name", name, "in", 7);
}

void test_barriers(void)
{
	static const char *const lasts[] = {NULL, "end", "pause"};

	for (int i = 0; i < 3; i++) {
		struct buf line;
		struct control c;

		buf_init(&line);
		control_barrier(&line, run, 42, lasts[i], balance("source"));
		c = read_written(&line);
		check_int(c.kind, CONTROL_BARRIER);
		check(c.has_run && c.run == run && c.epoch == 42);
		check_int(c.is_last, i > 0);
		check_int(c.is_end, i == 1);
		buf_clear(&line);
		control_barrier_joined(&line, &c, balance("window"));
		control_release(&c);
		c = read_written(&line);
		check(c.has_run && c.run == run && c.epoch == 42);
		check_int(c.is_last, i > 0);
		check_int(c.is_end, i == 1);
		check_int(json_array_size(
				  json_object_get(json_object_get(c.document, "$dd"), "stages")),
			2);
		control_release(&c);
		buf_release(&line);
	}
}

void test_barrier_bytes(void)
{
	struct buf line;
	struct control c =
		read_good("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":3,\"stages\":[],"
			  "\"last\":\"pause\",\"by\":\"once\",\"later\":{\"x\":1}}}");

	buf_init(&line);
	control_barrier_joined(&line, &c, balance("window"));
	check_text(buf_string(&line),
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":3,\"stages\":[{\"name\":"
		"\"window\","
		"\"in\":7}],\"last\":\"pause\",\"by\":\"once\",\"later\":{\"x\":1}}}\n");
	control_release(&c);
	buf_clear(&line);
	control_barrier(&line, run, 1, NULL, balance("source"));
	check_text(buf_string(&line),
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1,\"stages\":["
		"{\"name\":\"source\",\"in\":7}]}}\n");
	buf_release(&line);
}

void test_barriers_malformed(void)
{
	static const char none[] = "a barrier without run and number";
	static const char last[] = "a barrier whose 'last' is neither 'end' nor 'pause'";

	check_refused("{\"$dd\":{\"barrier\":1,\"stages\":[]}}", none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":0,\"stages\":[]}}", none);
	check_refused(
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":-1,\"stages\":[]}}", none);
	check_refused(
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1.5,\"stages\":[]}}", none);
	check_refused(
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":\"1\",\"stages\":[]}}", none);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1}}",
		"a barrier without stages");
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1,\"stages\":{}}}",
		"a barrier without stages");
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1,\"stages\":[],\"last\":"
		      "true}}",
		last);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1,\"stages\":[],\"last\":"
		      "null}}",
		last);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"barrier\":1,\"stages\":[],\"last\":"
		      "\"x\"}}",
		last);
}

void test_aborts(void)
{
	struct buf line;
	struct control c;

	buf_init(&line);
	control_abort(&line, run, "window", 65, "line 7: \"x\"\n\xc3\xa4");
	c = read_written(&line);
	check_int(c.kind, CONTROL_ABORT);
	check(c.has_run && c.run == run);
	check_int(c.exit, 65);
	check_text(c.stage, "window");
	check_text(c.text, "line 7: \"x\"\n\xc3\xa4");
	control_release(&c);
	/* what a message quotes of the input need not be text */
	buf_clear(&line);
	control_abort(&line, run, "window", 255, "bad \xff byte");
	c = read_written(&line);
	check_int(c.exit, 255);
	control_release(&c);
	buf_release(&line);
}

void test_aborts_malformed(void)
{
	static const char *const parts[] = {
		"\"stage\":\"w\",\"exit\":0,\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":256,\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":-1,\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":-4294967291,\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":4294967301,\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":\"65\",\"why\":\"x\"",
		"\"stage\":\"w\",\"exit\":65",
		"\"stage\":7,\"exit\":65,\"why\":\"x\"",
		"\"exit\":65,\"why\":\"x\"",
		"\"stage\":\"w\",\"why\":\"x\"",
	};
	static const char want[] = "an 'abort' without run, stage, exit and why";
	char line[160];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(line, sizeof(line),
			"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"abort\":{%s}}}", parts[i]);
		check_refused(line, want);
	}
	check_refused("{\"$dd\":{\"abort\":{\"stage\":\"w\",\"exit\":65,\"why\":\"x\"}}}", want);
	check_refused("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"abort\":null}}", want);
}

void test_unknown_lines(void)
{
	struct control c =
		read_good("{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"later\":{\"a\":[1]}}}");

	check_int(c.kind, CONTROL_UNKNOWN);
	check(c.has_run && c.run == run);
	control_release(&c);
	c = read_good("{\"$dd\":{}}");
	check_int(c.kind, CONTROL_UNKNOWN);
	check(!c.has_run);
	control_release(&c);
}

void test_the_reserved_key(void)
{
	static const char *const lines[] = {
		"{\"$dd\":",
		"{\"$dd\":1}",
		"{\"$dd\":null}",
		"{\"$dd\":[]}",
		"{\"$dd\":{}",
		"{\"$dd\":{}}x",
		"{\"$dd\":{},\"a\":1}",
		"{\"$dd\":{\"watermark\":\"2026-05-01T12:00:00Z\"},\"a\":1}",
		"{\"$dd\":{\"watermark\":\"2026-05-01T12:00:00Z\"}}}",
		"{\"$dd\":{\"watermark\":\"2026-05-01T12:00:00Z\"}",
		"{\"$dd\":{\"watermark\":\"2026-05-01T12:00:00Z\"",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\"",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"",
		"{\"$dd\":{\"run\":\"8f3ab2c49d01e657\",\"watermark\":\"\"}",
		"{\"$dd\":{\"x\":\"\xff\"}}",
		"{\"$dd\":{\"x\":\"\\ud800\"}}",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		check_refused(lines[i], "the key $dd is reserved for control lines");
}
