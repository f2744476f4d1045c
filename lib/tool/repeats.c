#include "tool/repeats.h"

#include <string.h>

#include "base/die.h"
#include "record/text.h"
#include "state/member.h"

enum {
	KEY_TEXT_MAX = 200, /* bytes; what is longer is cut */
	LINE_TEXT_MAX = 60,
};

void repeats_release(struct repeats *r)
{
	top_release(&r->top);
	buf_release(&r->item);
}

/* The fields by their names, as an object. */
static void print_key(
	struct buf *to, const struct key_fields *fields, const char *bytes, size_t len)
{
	const char *at = bytes;

	for (size_t i = 0; i < fields->count; i++) {
		buf_char(to, i ? ',' : '{');
		text_quote_any(to, fields->names[i], strlen(fields->names[i]));
		buf_char(to, ':');
		key_part_print(to, &at, bytes + len);
	}
	buf_char(to, '}');
}

/* Between two characters. */
static void cut(struct buf *text, size_t max)
{
	size_t end = max;

	if (text->len <= end)
		return;
	while (end && ((unsigned char)text->data[end] & 0xc0) == 0x80)
		end--;
	text->len = end;
	buf_text(text, "...");
}

/* The fingerprint behind it tells keys apart whose texts begin alike. */
void repeats_add(struct repeats *r, struct fingerprint print, const struct key_fields *fields,
	const char *bytes, size_t len)
{
	buf_clear(&r->item);
	if (fields->count) {
		print_key(&r->item, fields, bytes, len);
		cut(&r->item, KEY_TEXT_MAX);
	} else {
		buf_add(&r->item, bytes, len <= LINE_TEXT_MAX ? len : LINE_TEXT_MAX + 1);
		cut(&r->item, LINE_TEXT_MAX);
	}
	buf_add(&r->item, &print, sizeof(print));
	top_add(&r->top, REPEATS_KEYS_MAX, r->item.data, r->item.len);
}

void repeats_tell(const struct repeats *r)
{
	struct top_item items[REPEATS_TOLD];
	size_t count = top_list(&r->top, items, REPEATS_TOLD);

	for (size_t i = 0; i < count; i++) {
		const char *text = items[i].bytes;
		int len = (int)(items[i].len - sizeof(struct fingerprint));
		unsigned long long most = items[i].count, least = most - items[i].error;

		if (least == most)
			warn("most duplicated: %llu of %.*s", most, len, text);
		else
			warn("most duplicated: %llu to %llu of %.*s", least, most, len, text);
	}
}

void repeats_snapshot(const struct repeats *r, json_t *state)
{
	struct buf packed;

	buf_init(&packed);
	top_pack(&r->top, &packed);
	member_put_bytes(state, "repeats", packed.data, packed.len);
	buf_release(&packed);
}

void repeats_restore(struct repeats *r, const json_t *state)
{
	struct buf packed;
	const char *at;

	if (!member_text(state, "repeats"))
		return;
	buf_init(&packed);
	member_bytes(state, "repeats", &packed);
	at = packed.data;
	if (!top_unpack(&r->top, &at, packed.data + packed.len))
		member_die("repeats");
	buf_release(&packed);
}
