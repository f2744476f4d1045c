#include "base/url.h"

#include "test.h"

static void is(const char *text, size_t len, const char *want)
{
	check_int(len, strlen(want));
	check(memcmp(text, want, len) == 0);
}

void test_parts(void)
{
	struct url u;

	check(url_split(&u, "sqlite:a/b.db?table=t&real"));
	is(u.scheme, u.scheme_len, "sqlite");
	is(u.path, u.path_len, "a/b.db");
	check_text(u.options, "table=t&real");
	check(url_split(&u, "FILE:x"));
	check(url_has_scheme(&u, "file"));
	check(!url_has_scheme(&u, "fil"));
	check(!url_has_scheme(&u, "filex"));
	check_text(u.options, "");
	check(!url_split(&u, "out.db"));
	check(!url_split(&u, "./a:b"));
	check(!url_split(&u, "?a:b"));
	check(!url_split(&u, ":x"));
	check(!url_split(&u, ""));
}

void test_options(void)
{
	struct url_option o;
	struct url u;

	check(url_split(&u, "x:y?a=1=2&b&c="));
	check(url_next_option(&u, &o));
	is(o.name, o.len, "a=1=2");
	check(url_option_is(&o, "a") && !url_option_is(&o, "a=1"));
	is(o.value, o.value_len, "1=2");
	check(url_next_option(&u, &o));
	check(url_option_is(&o, "b") && !o.value);
	check(url_next_option(&u, &o));
	check(url_option_is(&o, "c") && o.value && !o.value_len);
	check(!url_next_option(&u, &o));
	check(url_split(&u, "x:y?"));
	check(!url_next_option(&u, &o));
}

void test_password(void)
{
	check(url_has_password("http://u:p@host/"));
	check(url_has_password("http://u:@host"));
	check(url_has_password("http://u:p@x@host"));
	check(url_has_password("any+scheme://:p@host?x"));
	check(!url_has_password("http://u@host:80/"));
	check(!url_has_password("http://host:80/a:b@c"));
	check(!url_has_password("http://host:80?a:b@c"));
	check(!url_has_password("sqlite:a:b@c"));
}

static const char *decoded(const char *text)
{
	static struct buf to;

	buf_clear(&to);
	return url_decode(&to, text, strlen(text)) ? NULL : buf_string(&to);
}

void test_decoding(void)
{
	check_text(decoded("a%20b%3f%3F"), "a b??");
	check_text(decoded("%c3%a9+"), "\xc3\xa9+");
	check_text(decoded(""), "");
	check(!decoded("%"));
	check(!decoded("%4"));
	check(!decoded("%4g"));
	check(!decoded("%+4"));
	check(!decoded("a%00"));
}
