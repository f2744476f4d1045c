#include "record/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "record/scan.h"

enum { ROOT = 0, ELEMENT_DIGITS_MAX = 10 };

static uint64_t head_of(const char *key, size_t len)
{
	uint64_t head = 0;

	memcpy(&head, key, len < sizeof(head) ? len : sizeof(head));
	return head;
}

static int64_t as_element(const char *key, size_t len)
{
	int64_t index = 0;

	if (!len || len > ELEMENT_DIGITS_MAX || (len > 1 && key[0] == '0'))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (key[i] < '0' || key[i] > '9')
			return -1;
		index = index * 10 + (key[i] - '0');
	}
	return index;
}

static uint32_t node_new(struct paths *p, const char *key, size_t len)
{
	struct path_node *n;

	p->nodes = mem_resize(p->nodes, (p->node_count + 1) * sizeof(*p->nodes));
	n = &p->nodes[p->node_count];
	*n = (struct path_node){
		.key = mem_zero(1, len + SCAN_PAD),
		.key_len = (uint32_t)len,
		.head = head_of(key, len),
		.element = as_element(key, len),
		.value = -1,
	};
	memcpy(n->key, key, len);
	return p->node_count++;
}

static uint32_t node_below(struct paths *p, uint32_t parent, const char *key, size_t len)
{
	uint32_t i, made;

	for (i = p->nodes[parent].child; i; i = p->nodes[i].sibling)
		if (p->nodes[i].key_len == len && memcmp(p->nodes[i].key, key, len) == 0)
			return i;
	made = node_new(p, key, len);
	p->nodes[made].sibling = p->nodes[parent].child;
	p->nodes[parent].child = made;
	return made;
}

/* Takes the next part of a pointer, behind its slash, and undoes ~0 and ~1. */
static const char *pointer_part(const char **at, struct buf *part)
{
	const char *p = *at;

	for (; *p && *p != '/'; p++) {
		if (*p != '~') {
			buf_char(part, *p);
			continue;
		}
		p++;
		if (*p != '0' && *p != '1')
			return "a '~' in a pointer must be '~0' or '~1'";
		buf_char(part, *p == '0' ? '~' : '/');
	}
	*at = *p ? p + 1 : NULL;
	return NULL;
}

static const char *dotted_part(const char **at, struct buf *part)
{
	size_t len = strcspn(*at, ".");

	if (!len)
		return "an empty part in a path";
	buf_add(part, *at, len);
	*at = (*at)[len] ? *at + len + 1 : NULL;
	return NULL;
}

void paths_init(struct paths *p)
{
	*p = (struct paths){0};
	node_new(p, "", 0);
}

void paths_release(struct paths *p)
{
	for (uint32_t i = 0; i < p->node_count; i++)
		free(p->nodes[i].key);
	free(p->nodes);
	*p = (struct paths){0};
}

const char *paths_add(struct paths *p, const char *name, int *value)
{
	const char *(*next_part)(const char **, struct buf *) = dotted_part;
	const char *why = NULL;
	struct buf part;
	uint32_t at = ROOT;

	if (*name == '/') {
		next_part = pointer_part;
		name++;
	}
	buf_init(&part);
	for (int parts = 0; name && !why; parts++) {
		buf_clear(&part);
		why = parts == PATH_MAX_PARTS ? "too many parts in a path"
					      : next_part(&name, &part);
		if (!why)
			at = node_below(p, at, part.len ? part.data : "", part.len);
	}
	buf_release(&part);
	if (why)
		return why;
	if (p->nodes[at].value < 0 && p->count == PATHS_MAX)
		return "too many paths";
	if (p->nodes[at].value < 0)
		p->nodes[at].value = (int32_t)p->count++;
	*value = p->nodes[at].value;
	return NULL;
}
