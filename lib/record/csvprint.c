#include "record/csvprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/text.h"
#include "record/vector.h"

void csv_printer_init(struct csv_printer *p, struct paths *scanned, const struct shape *shape)
{
	*p = (struct csv_printer){.scanned = scanned, .shape = shape};
	paths_init(&p->paths);
	buf_init(&p->header);
	buf_init(&p->text);
	buf_init(&p->detail);
}

void csv_printer_release(struct csv_printer *p)
{
	free(p->values);
	paths_release(&p->paths);
	buf_release(&p->header);
	buf_release(&p->text);
	buf_release(&p->detail);
}

/* Cells */

/* The text, a C string behind which as much can be read as vectors do. */
static const char *padded_text(struct csv_printer *p)
{
	*buf_reserve(&p->text, VECTOR_BYTES) = '\0';
	return p->text.data;
}

/* Behind the bytes as much can be read as vectors do. */
static void quote(struct buf *to, const char *bytes, size_t len)
{
	char *from = buf_reserve(to, 2 * (len + VECTOR_BYTES) + 2), *at = from;

	*at++ = '"';
	at = vector_double_quotes(at, bytes, len);
	*at++ = '"';
	to->len += (size_t)(at - from);
}

static bool wants_quotes(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] == ',' || bytes[i] == '"' || bytes[i] == '\n' || bytes[i] == '\r')
			return true;
	return !len;
}

static void add_text(struct buf *to, const char *bytes, size_t len)
{
	if (wants_quotes(bytes, len))
		quote(to, bytes, len);
	else
		buf_add(to, bytes, len);
}

/* What add_plain left: with an escape, with a comma, or empty. */
static void add_string(struct csv_printer *p, struct buf *row, const struct span *s)
{
	if (!s->escaped) {
		quote(row, s->at, s->len);
		return;
	}
	buf_clear(&p->text);
	text_unescape(&p->text, s);
	add_text(row, padded_text(p), p->text.len);
}

static void add_cell(struct csv_printer *p, struct buf *row, const struct span *s)
{
	switch (s->type) {
	case SPAN_MISSING:
	case SPAN_NULL:
		break;
	case SPAN_STRING:
		add_string(p, row, s);
		break;
	case SPAN_OBJECT:
	case SPAN_ARRAY:
		add_text(row, s->at, s->len);
		break;
	default:
		buf_add(row, s->at, s->len);
	}
}

/* A cell and a comma behind it, where the value may be written as it stands, as most may; else
 * false. Without an escape there is no quote and no line's end in a string. */
static inline bool add_plain(struct buf *row, const struct span *s)
{
	bool plain = s->type == SPAN_NUMBER || (s->type == SPAN_STRING && !s->escaped && s->len);
	char *at;

	if (!plain)
		return false;
	at = buf_reserve(row, s->len + VECTOR_BYTES);
	if (vector_copy_has(at, s->at, s->len, ','))
		return false;
	at[s->len] = ',';
	row->len += s->len + 1;
	return true;
}

/* Columns */

static void open_columns(struct csv_printer *p)
{
	buf_char(&p->header, '\n');
	p->is_open = true;
}

/* A column that is a field of this path, under a title. */
static const char *add_column(
	struct csv_printer *p, const char *path, const char *title, size_t title_len)
{
	uint32_t count = p->paths.count;
	const char *why;
	int value;

	if (count == CSV_COLUMNS_MAX)
		return "more than 1024 columns";
	why = paths_add(&p->paths, path, &value);
	if (why || p->paths.count == count)
		return why ? why : "a column that comes twice";
	p->values = mem_resize(p->values, (count + 1) * sizeof(*p->values));
	why = paths_add(p->scanned, path, &p->values[count]);
	if (why)
		return why;
	if (count)
		buf_char(&p->header, ',');
	add_text(&p->header, title, title_len);
	return NULL;
}

/* A column that is a top-level key: as a JSON pointer, whatever is in it. */
static const char *add_key(struct csv_printer *p, const char *key, size_t len)
{
	struct buf pointer;
	const char *why;

	if (len && memchr(key, '\0', len))
		return "a key with a NUL in it";
	buf_init(&pointer);
	buf_char(&pointer, '/');
	for (size_t i = 0; i < len; i++) {
		if (key[i] == '~' || key[i] == '/')
			buf_text(&pointer, key[i] == '~' ? "~0" : "~1");
		else
			buf_char(&pointer, key[i]);
	}
	why = add_column(p, buf_string(&pointer), key, len);
	buf_release(&pointer);
	return why;
}

const char *csv_printer_choose(struct csv_printer *p, const char *list)
{
	const char *why;

	p->is_chosen = true;
	for (;; list++) {
		size_t len = strcspn(list, ",");
		const char *name;

		buf_clear(&p->text);
		buf_add(&p->text, list, len);
		name = padded_text(p);
		why = len ? add_column(p, name, name, len) : "a column without a name";
		list += len;
		if (why || !*list)
			break;
	}
	if (!why)
		open_columns(p);
	return why;
}

/* The title at *at, and behind its comma; quotes are taken off. NULL or a static reason. */
static const char *take_title(struct buf *title, const char **at, const char *end)
{
	const char *p = *at;
	bool quoted = p < end && *p == '"';

	buf_clear(title);
	for (p += quoted; p < end && (quoted || *p != ','); p++) {
		if (quoted && *p == '"' && (++p == end || *p != '"')) {
			quoted = false;
			break;
		}
		buf_char(title, *p);
	}
	if (quoted || (p < end && *p != ','))
		return "no header of CSV";
	*at = p < end ? p + 1 : NULL;
	return NULL;
}

const char *csv_printer_adopt(struct csv_printer *p, const char *header, size_t len)
{
	const char *why = NULL, *end = header + len;

	while (!why && header) {
		why = take_title(&p->text, &header, end);
		if (!why)
			why = add_key(p, padded_text(p), p->text.len);
	}
	if (!why)
		open_columns(p);
	return why;
}

struct keys {
	struct csv_printer *printer;
	const char *why;
};

static void name_column(void *context, const struct span *key, const struct span *value)
{
	struct keys *k = context;
	const char *why;

	(void)value;
	buf_clear(&k->printer->text);
	text_unescape(&k->printer->text, key);
	why = add_key(k->printer, padded_text(k->printer), k->printer->text.len);
	/* of equal keys the last one wins, in the first one's column */
	if (why && strcmp(why, "a column that comes twice") != 0)
		k->why = why;
}

const char *csv_printer_open(struct csv_printer *p, const char *line, size_t len)
{
	struct keys k = {.printer = p};

	scan_members(line, len, name_column, &k);
	if (!k.why && !p->paths.count)
		k.why = "no column: the first record is empty";
	if (!k.why) {
		open_columns(p);
		return NULL;
	}
	buf_clear(&p->detail);
	buf_text(&p->detail, k.why);
	return "no_columns";
}

static void look_up(void *context, const struct span *key, const struct span *value)
{
	struct keys *k = context;
	const struct path_node *nodes = k->printer->paths.nodes;

	(void)value;
	for (uint32_t i = nodes[0].child; i; i = nodes[i].sibling)
		if (text_says(key, nodes[i].key, nodes[i].key_len))
			return;
	if (k->why)
		return;
	k->why = "unknown_column";
	buf_clear(&k->printer->detail);
	buf_text(&k->printer->detail, "no column is called ");
	text_unescape(&k->printer->text, key);
	buf_add(&k->printer->detail, k->printer->text.data, k->printer->text.len);
}

/* Lines of one shape have the same keys. */
const char *csv_printer_check(struct csv_printer *p, const char *line, size_t len)
{
	struct keys k = {.printer = p};

	if (p->is_chosen || shape_is_noted(p->shape))
		return NULL;
	buf_clear(&p->text);
	scan_members(line, len, look_up, &k);
	if (!k.why)
		shape_note(p->shape);
	return k.why;
}

void csv_printer_row(struct csv_printer *p, const struct span *values, struct buf *to)
{
	for (uint32_t i = 0; i < p->paths.count; i++) {
		const struct span *s = &values[p->values[i]];

		if (add_plain(to, s))
			continue;
		add_cell(p, to, s);
		buf_char(to, ',');
	}
	to->data[to->len - 1] = '\n';
}
