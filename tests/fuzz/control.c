/*
 * Control lines: any bytes are read or refused; what was read says the same when it is written and
 * read again; and what the quick way reads of a watermark, the long way reads as well.
 */
#include "record/control.h"

#include "record/scan.h"
#include "replay.h"

static char *line_of(const char *bytes, size_t len, const char *behind)
{
	size_t more = strlen(behind);
	char *line = malloc(len + more + 1 + SCAN_PAD);

	memcpy(line, bytes, len);
	memcpy(line + len, behind, more);
	line[len + more] = '\n';
	memset(line + len + more + 1, '"', SCAN_PAD);
	return line;
}

static void write_again(struct buf *to, const struct control *c)
{
	json_t *stage = json_pack("{ss}", "name", "x");

	if (c->kind == CONTROL_WATERMARK)
		control_watermark(to, c->has_run ? &c->run : NULL, c->watermark_ns);
	else if (c->kind == CONTROL_ABORT)
		control_abort(to, c->run, c->stage, c->exit, c->text);
	else if (c->kind == CONTROL_OPEN)
		control_open(to, c->run, c->text ? c->text : "",
			&(struct control_start){.incarnation = c->incarnation,
				.epoch = c->epoch,
				.of = c->of,
				.is_new = c->is_new});
	else if (c->kind == CONTROL_BARRIER)
		control_barrier_joined(to, c, json_incref(stage));
	json_decref(stage);
}

static void must_be_equal(const struct control *a, const struct control *b)
{
	must(a->kind == b->kind && a->has_run == b->has_run && a->run == b->run);
	must(a->watermark_ns == b->watermark_ns && a->epoch == b->epoch && a->exit == b->exit);
	must(a->is_last == b->is_last && a->is_end == b->is_end);
	must(!a->stage || strcmp(a->stage, b->stage) == 0);
	must(!a->text || strcmp(a->text, b->text) == 0);
}

static void read_back(const struct control *c)
{
	struct control again;
	struct buf to;
	char *line;

	buf_init(&to);
	write_again(&to, c);
	if (to.len) {
		must(to.data[to.len - 1] == '\n');
		must(control_begins(to.data, to.len - 1));
		line = line_of(to.data, to.len - 1, "");
		must(!control_read(&again, line, to.len - 1));
		must_be_equal(c, &again);
		control_release(&again);
		free(line);
	}
	buf_release(&to);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct control c, slow;
	char *line, *blank;

	if (memchr(bytes, '\n', len))
		return 0;
	line = line_of((const char *)bytes, len, "");
	blank = line_of((const char *)bytes, len, " ");
	if (!control_read(&c, line, len)) {
		must(!control_read(&slow, blank, len + 1));
		must_be_equal(&c, &slow);
		read_back(&c);
		control_release(&slow);
	}
	control_release(&c);
	free(line);
	free(blank);
	return 0;
}
