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

void selection_init(struct selection *s, char *const *ids, size_t count, uint64_t limit)
{
	*s = (struct selection){.count = count, .left = limit};
	buf_init(&s->id);
	s->ids = mem_zero(count + 1, sizeof(*s->ids));
	for (size_t i = 0; i < count; i++)
		s->ids[i].id = ids[i];
	qsort(s->ids, count, sizeof(*s->ids), id_order);
}

void selection_release(struct selection *s)
{
	buf_release(&s->id);
	free(s->ids);
}

static bool is_meant(struct selection *s, const struct envelope *e)
{
	struct selected key = {0}, *found;

	if (!s->count)
		return true;
	buf_clear(&s->id);
	text_unescape(&s->id, &e->id);
	key.id = buf_string(&s->id);
	found = bsearch(&key, s->ids, s->count, sizeof(*s->ids), id_order);
	if (found)
		found->found = true;
	return found;
}

bool selection_next(struct selection *s, struct letterbox *b, struct envelope *e)
{
	while (s->left && !s->is_through) {
		s->is_through = !letterbox_next(b, e);
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

bool selection_tell_missing(const struct selection *s, const char *store)
{
	bool missing = false;

	for (size_t i = 0; s->is_through && i < s->count; i++) {
		if (s->ids[i].found)
			continue;
		warn("there is no letter '%s' in '%s'", s->ids[i].id, store);
		missing = true;
	}
	return missing;
}
