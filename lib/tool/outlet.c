#include "tool/outlet.h"

#include <assert.h>
#include <unistd.h>

void outlet_init(struct outlet *o)
{
	*o = (struct outlet){0};
	out_init(&o->out, STDOUT_FILENO, "stdout");
	buf_init(&o->after);
}

void outlet_release(struct outlet *o)
{
	deadletters_release(&o->letters);
	for (unsigned i = 0; i < o->side_count; i++)
		side_release(&o->sides[i]);
	out_release(&o->out);
	buf_release(&o->after);
}

void outlet_end_run(struct outlet *o)
{
	if (o->run_len)
		out_lend(&o->out, o->run_from, o->run_len);
	o->run_len = 0;
}

void outlet_flush_passed(struct outlet *o)
{
	outlet_end_run(o);
	out_settle(&o->out);
}

void outlet_pass_copied(struct outlet *o, const char *line, size_t len)
{
	outlet_end_run(o);
	out_add(&o->out, line, len + 1);
}

void outlet_send_lines_after(struct outlet *o)
{
	outlet_end_run(o);
	out_add(&o->out, o->after.data, o->after.len);
	buf_clear(&o->after);
}

struct side *outlet_side(struct outlet *o, const char *path, const char *kind)
{
	struct side *s = &o->sides[o->side_count++];

	assert(o->side_count <= OUTLET_SIDES_MAX);
	side_init(s, path, kind, o->is_checkpointed);
	return s;
}

static void flush_sides(struct outlet *o)
{
	deadletters_flush(&o->letters);
	for (unsigned i = 0; i < o->side_count; i++)
		side_flush(&o->sides[i]);
}

/* Letters first: who sees a record of the output sees what was bad before it. */
void outlet_flush(struct outlet *o)
{
	flush_sides(o);
	outlet_end_run(o);
	out_flush(&o->out);
}

void outlet_sync(struct outlet *o)
{
	flush_sides(o);
	deadletters_sync(&o->letters);
	for (unsigned i = 0; i < o->side_count; i++)
		side_sync(&o->sides[i]);
}

/* Epochs */

void outlet_begin_epoch(struct outlet *o, const struct checkpoint *c, uint64_t epoch)
{
	deadletters_begin_epoch(&o->letters, c->incarnation, c->run, epoch);
	for (unsigned i = 0; i < o->side_count; i++)
		side_begin_epoch(&o->sides[i], c, epoch);
}

void outlet_seal(struct outlet *o)
{
	deadletters_seal(&o->letters);
	for (unsigned i = 0; i < o->side_count; i++)
		side_seal(&o->sides[i]);
}

void outlet_publish(struct outlet *o, struct epoch committed)
{
	deadletters_publish(&o->letters, committed.run, committed.number);
	for (unsigned i = 0; i < o->side_count; i++)
		side_publish(&o->sides[i], committed);
}
