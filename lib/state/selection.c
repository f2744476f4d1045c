#include "state/selection.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"
#include "record/text.h"

static int id_order(const void *a, const void *b)
{
	const struct selected *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void choose(struct selection *s)
{
	const struct choice *c = s->choice;
	size_t column = 0;
	const char *why = c->where ? letterbox_choose(&s->box, c->where, &column) : NULL;

	if (why)
		die(EX_USAGE, "--where '%s': %s at column %zu", c->where, why, column);
	s->ids = mem_zero(c->count + 1, sizeof(*s->ids));
	for (size_t i = 0; i < c->count; i++)
		s->ids[i].id = c->ids[i];
	qsort(s->ids, c->count, sizeof(*s->ids), id_order);
}

void selection_open(struct selection *s, const char *store, const struct choice *choice,
	struct resolutions *resolutions, const json_t *set)
{
	*s = (struct selection){
		.choice = choice, .resolutions = resolutions, .left = choice->limit};
	buf_init(&s->id);
	if (set)
		letterbox_open_set(&s->box, store, set);
	else
		letterbox_open(&s->box, store);
	choose(s);
}

void selection_close(struct selection *s)
{
	letterbox_close(&s->box);
	buf_release(&s->id);
	free(s->ids);
}

static struct selected *asked_for(struct selection *s)
{
	struct selected key = {.id = buf_string(&s->id)};

	return bsearch(&key, s->ids, s->choice->count, sizeof(*s->ids), id_order);
}

static bool is_meant(struct selection *s, const struct envelope *e)
{
	struct selected *found = NULL;
	bool is_resolved;

	buf_clear(&s->id);
	text_unescape(&s->id, &e->id);
	if (s->choice->count && !(found = asked_for(s)))
		return false;
	is_resolved = s->resolutions && resolutions_has(s->resolutions, e->segment, &s->id);
	if (found) {
		found->found = true;
		found->is_other = is_resolved != s->choice->resolved;
	}
	return is_resolved == s->choice->resolved;
}

bool selection_next(struct selection *s, struct envelope *e)
{
	while (s->left && !s->is_through) {
		s->is_through = !letterbox_next(&s->box, e);
		if (!s->is_through && is_meant(s, e)) {
			s->left--;
			return true;
		}
	}
	return false;
}

void selection_pass_over(struct selection *s)
{
	s->left++;
}

bool selection_tell_missing(const struct selection *s)
{
	bool missing = false;

	for (size_t i = 0; s->is_through && i < s->choice->count; i++) {
		const struct selected *id = &s->ids[i];

		if (id->found && (!id->is_other || s->resolved_is_fine))
			continue;
		if (!id->found)
			warn("there is no letter '%s' in '%s'", id->id, s->box.dir);
		else if (s->choice->resolved)
			warn("letter '%s' is not resolved", id->id);
		else
			warn("letter '%s' is resolved: --resolved is for those", id->id);
		missing = true;
	}
	return missing;
}
