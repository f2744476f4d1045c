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
	buf_init(&p->row);
	buf_init(&p->text);
	buf_init(&p->detail);
}

void csv_printer_release(struct csv_printer *p)
{
	free(p->values);
	paths_release(&p->paths);
	buf_release(&p->header);
	buf_release(&p->row);
	buf_release(&p->text);
	buf_release(&p->detail);
}

/* Cells */

static void quote(struct buf *to, const char *bytes, size_t len)
{
	char *from = buf_reserve(to, 2 * len + 2 + VECTOR_BYTES), *at = from;
	/* what is read at once ends before the bytes do */
	size_t most = len > VECTOR_BYTES ? (len - VECTOR_BYTES) / VECTOR_BYTES * VECTOR_BYTES : 0;

	*at++ = '"';
	at = vector_double_quotes(at, bytes, most);
	for (size_t i = most; i < len; i++) {
		*at++ = bytes[i];
		/* without a branch: in JSON a quote is never far */
		*at = '"';
		at += bytes[i] == '"';
	}
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

static void add_string(struct csv_printer *p, const struct span *s)
{
	buf_clear(&p->text);
	text_unescape(&p->text, s);
	add_text(&p->row, p->text.data, p->text.len);
}

static void add_cell(struct csv_printer *p, const struct span *s)
{
	switch (s->type) {
	case SPAN_MISSING:
	case SPAN_NULL:
		break;
	case SPAN_STRING:
		add_string(p, s);
		break;
	case SPAN_OBJECT:
	case SPAN_ARRAY:
		add_text(&p->row, s->at, s->len);
		break;
	default:
		buf_add(&p->row, s->at, s->len);
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
		char *name = mem_zero(1, len + 1);

		memcpy(name, list, len);
		why = len ? add_column(p, name, name, len) : "a column without a name";
		free(name);
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
	struct buf title;

	buf_init(&title);
	while (!why && header) {
		why = take_title(&title, &header, end);
		if (!why)
			why = add_key(p, buf_string(&title), title.len);
	}
	buf_release(&title);
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
	why = add_key(k->printer, buf_string(&k->printer->text), k->printer->text.len);
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
static const char *check_keys(struct csv_printer *p, const char *line, size_t len)
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

const char *csv_printer_row(
	struct csv_printer *p, const char *line, size_t len, const struct span *values)
{
	const char *why = check_keys(p, line, len);

	if (why)
		return why;
	buf_clear(&p->row);
	for (uint32_t i = 0; i < p->paths.count; i++) {
		const struct span *s = &values[p->values[i]];

		if (add_plain(&p->row, s))
			continue;
		add_cell(p, s);
		buf_char(&p->row, ',');
	}
	p->row.data[p->row.len - 1] = '\n';
	return NULL;
}
