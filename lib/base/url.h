/* What a URL says to us: its scheme, its options, and whether a password is in it (RFC 3986). */
#ifndef URL_H
#define URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* The parts of SCHEME:PATH?OPTION&OPTION; borrows the text. */
struct url {
	const char *scheme;
	size_t scheme_len;
	const char *path; /* all between the colon and the question mark */
	size_t path_len;
	const char *options; /* behind the question mark; at the end of the text if there is none */
};

/* An option NAME=VALUE, or NAME alone; borrows the text. */
struct url_option {
	const char *name; /* where the option begins */
	size_t len;       /* of all of it */
	size_t name_len;
	const char *value; /* NULL: there is none */
	size_t value_len;
};

/* False if there is no scheme. */
bool url_split(struct url *u, const char *text);

bool url_has_scheme(const struct url *u, const char *scheme);

/* Takes the next option off u->options. False if there is none left. */
bool url_next_option(struct url *u, struct url_option *o);

bool url_option_is(const struct url_option *o, const char *name);

/* True for SCHEME://USER:PASSWORD@HOST. */
bool url_has_password(const char *text);

/*
 * Appends the percent-decoded text. NULL, or a static reason: also a NUL character, which no name
 * of a file has; then what is in `to` means nothing.
 */
const char *url_decode(struct buf *to, const char *text, size_t len);

#endif
