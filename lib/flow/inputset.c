#include "flow/inputset.h"

/* The first member of which this is so; count if there is none. */
typedef bool test(const struct set_member *m);

static size_t first(const struct set_member *members, size_t count, test *is_so)
{
	size_t i = 0;

	while (i < count && !is_so(&members[i]))
		i++;
	return i;
}

static bool is_in_both(const struct set_member *m)
{
	return m->is_known && m->is_given;
}

static bool is_in_one(const struct set_member *m)
{
	return m->is_known != m->is_given;
}

static bool has_changed(const struct set_member *m)
{
	return is_in_both(m) && m->is_changed;
}

static bool would_be_forgotten(const struct set_member *m)
{
	return m->is_known && !m->is_given && m->is_unread;
}

static enum set_answer judge_complete(
	const struct set_member *members, size_t count, bool is_growing, size_t *which)
{
	if (first(members, count, is_in_both) == count)
		return SET_IS_NEW;
	if (is_growing)
		return SET_GOES_NEW;
	if ((*which = first(members, count, is_in_one)) < count)
		return SET_OVERLAPS;
	return (*which = first(members, count, has_changed)) < count ? SET_CHANGED : SET_IS_DONE;
}

enum set_answer inputset_judge(const struct set_member *members, size_t count, bool is_complete,
	bool is_growing, size_t *which)
{
	if (is_complete)
		return judge_complete(members, count, is_growing, which);
	*which = first(members, count, would_be_forgotten);
	return *which < count ? SET_FORGETS : SET_GOES_ON;
}
