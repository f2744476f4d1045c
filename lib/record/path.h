/*
 * Field names compiled for the scanner. A name is a dotted path (`user.id`, `items.0.sku`) or, when
 * it begins with '/', a JSON pointer (RFC 6901). A part that is a decimal number without leading
 * zeros names an array's element as well as an object's key.
 */
#ifndef PATH_H
#define PATH_H

#include <stddef.h>
#include <stdint.h>

enum { PATH_MAX_PARTS = 64, PATHS_MAX = 2048 };

/* A part of a path: a key below its parent. Internal to path and scan. */
struct path_node {
	char *key; /* unescaped, SCAN_PAD readable bytes behind it */
	uint32_t key_len;
	uint64_t head;    /* the first eight bytes of key, zeros where it is shorter */
	int64_t element;  /* as an array index, -1 if it can't be one */
	uint32_t child;   /* the first one below it, 0: none */
	uint32_t sibling; /* the next one beside it, 0: none */
	int32_t value;    /* which value ends here, -1: none */
};

struct paths {
	struct path_node *nodes; /* nodes[0] is the root */
	uint32_t node_count;
	uint32_t count; /* how many values */
};

void paths_init(struct paths *p);
void paths_release(struct paths *p);

/*
 * Adds a path; the same one again gives the same *value, its index among the values of a scan.
 * Returns NULL, or a static reason why name is not a path.
 */
const char *paths_add(struct paths *p, const char *name, int *value);

#endif
