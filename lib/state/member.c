#include "state/member.h"

#include <sodium.h>
#include <string.h>

#include "base/die.h"

void member_die(const char *name)
{
	die(EX_CONFIG,
		"the snapshot's '%s' is not there or cannot be read: was it made by another "
		"version?",
		name);
}

void member_put(json_t *state, const char *name, int64_t value)
{
	json_object_set_new(state, name, json_integer(value));
}

void member_put_text(json_t *state, const char *name, const char *text)
{
	json_object_set_new(state, name, json_string(text));
}

void member_put_bytes(json_t *state, const char *name, const void *bytes, size_t len)
{
	size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
	struct buf text;

	buf_init(&text);
	sodium_bin2base64(
		buf_reserve(&text, room), room, bytes, len, sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(state, name, json_stringn_nocheck(text.data, room - 1));
	buf_release(&text);
}

int64_t member_get(const json_t *state, const char *name)
{
	const json_t *value = json_object_get(state, name);

	if (!json_is_integer(value))
		member_die(name);
	return json_integer_value(value);
}

const char *member_text(const json_t *state, const char *name)
{
	return json_string_value(json_object_get(state, name));
}

void member_bytes(const json_t *state, const char *name, struct buf *to)
{
	const json_t *value = json_object_get(state, name);
	size_t text_len = json_string_length(value), len;

	if (!json_is_string(value) ||
		sodium_base642bin((unsigned char *)buf_reserve(to, text_len + 1), text_len,
			json_string_value(value), text_len, NULL, &len, NULL,
			sodium_base64_VARIANT_ORIGINAL) != 0)
		member_die(name);
	to->len += len;
}
