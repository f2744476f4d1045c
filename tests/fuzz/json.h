/* JSON for fuzz targets: a text as the scanner wants it, and whether it is JSON. */
#ifndef JSON_H
#define JSON_H

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "record/scan.h"

#include "replay.h"

/* Gives a copy with its newline and pad. */
static inline char *json_line(const char *text, size_t len)
{
	char *line = mem_zero(1, len + 1 + SCAN_PAD);

	if (len)
		memcpy(line, text, len);
	line[len] = '\n';
	return line;
}

static inline void json_must(const struct buf *text)
{
	char *line = json_line(text->data, text->len);
	struct paths none;
	struct span root;
	size_t where;

	paths_init(&none);
	must(scan(&none, line, text->len, &root, NULL, &where) == NULL);
	paths_release(&none);
	free(line);
}

#endif
