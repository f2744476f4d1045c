#include "base/url.h"

#include <string.h>
#include <strings.h>

bool url_split(struct url *u, const char *text)
{
	const char *colon = text + strcspn(text, ":/?");

	if (*colon != ':' || colon == text)
		return false;
	u->scheme = text;
	u->scheme_len = (size_t)(colon - text);
	u->path = colon + 1;
	u->path_len = strcspn(u->path, "?");
	u->options = u->path + u->path_len;
	if (*u->options)
		u->options++;
	return true;
}

bool url_has_scheme(const struct url *u, const char *scheme)
{
	return u->scheme_len == strlen(scheme) &&
	       strncasecmp(u->scheme, scheme, u->scheme_len) == 0;
}

bool url_next_option(struct url *u, struct url_option *o)
{
	size_t len = strcspn(u->options, "&");
	const char *equals = memchr(u->options, '=', len);

	if (!*u->options)
		return false;
	*o = (struct url_option){.name = u->options, .len = len, .name_len = len};
	if (equals) {
		o->name_len = (size_t)(equals - o->name);
		o->value = equals + 1;
		o->value_len = len - o->name_len - 1;
	}
	u->options += len;
	if (*u->options)
		u->options++;
	return true;
}

bool url_option_is(const struct url_option *o, const char *name)
{
	return o->name_len == strlen(name) && memcmp(o->name, name, o->name_len) == 0;
}

bool url_has_password(const char *text)
{
	const char *authority = strstr(text, "://");
	const char *at;

	if (!authority)
		return false;
	authority += 3;
	at = memrchr(authority, '@', strcspn(authority, "/?#"));
	return at && memchr(authority, ':', (size_t)(at - authority));
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | (c > '9' ? 0x20 : 0)) : NULL;

	return at ? (int)(at - digits) : -1;
}

const char *url_decode(struct buf *to, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			buf_char(to, text[i]);
			continue;
		}
		high = i + 1 < len ? hex_digit(text[i + 1]) : -1;
		low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0)
			return "a '%' without two hexadecimal digits behind it";
		if (high == 0 && low == 0)
			return "a NUL character (%00)";
		buf_char(to, (char)(high << 4 | low));
		i += 2;
	}
	return NULL;
}
