#include "record/exprlex.h"

#include <stdbool.h>
#include <string.h>

#include "record/scan.h"
#include "record/text.h"

void lexer_init(struct lexer *l, const char *text)
{
	*l = (struct lexer){.at = text, .from = text};
}

void lexer_release(struct lexer *l)
{
	buf_release(&l->text);
}

static bool is_digit(char c)
{
	return (unsigned)c - '0' < 10;
}

static bool begins_name(char c)
{
	return (unsigned)(c | 0x20) - 'a' < 26 || c == '_' || c == '@' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool is_in_name(char c)
{
	return begins_name(c) || is_digit(c);
}

static const char *name_end(const char *p)
{
	while (is_in_name(*p) || (*p == '.' && is_in_name(p[1])))
		p++;
	return p;
}

/* Where what looks like a number ends. */
static const char *number_end(const char *p)
{
	while (is_in_name(*p) || *p == '.' ||
		((*p == '+' || *p == '-') && (p[-1] | 0x20) == 'e' && is_digit(p[1])))
		p++;
	return p;
}

static const char *read_number(struct lexer *l)
{
	size_t len;

	l->at = number_end(l->from);
	len = (size_t)(l->at - l->from);
	l->type = TOKEN_NUMBER;
	if (!decimal_is_number(l->from, len))
		return "not a number as JSON writes it";
	return decimal_parse(&l->number, l->from, len);
}

static const char *read_name(struct lexer *l)
{
	static const struct {
		const char *word;
		enum token_type type;
	} words[] = {
		{"and", TOKEN_AND},
		{"or", TOKEN_OR},
		{"not", TOKEN_NOT},
		{"true", TOKEN_TRUE},
		{"false", TOKEN_FALSE},
		{"null", TOKEN_NULL},
	};

	l->at = name_end(l->from);
	buf_clear(&l->text);
	buf_add(&l->text, l->from, (size_t)(l->at - l->from));
	l->type = TOKEN_NAME;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(buf_string(&l->text), words[i].word) == 0)
			l->type = words[i].type;
	return NULL;
}

/* Verbatim up to the same quote. */
static const char *read_quoted(struct lexer *l, enum token_type type, const char *unclosed)
{
	const char *begin = l->from + 1, *end = strchr(begin, *l->from);

	if (!end)
		return unclosed;
	buf_clear(&l->text);
	buf_add(&l->text, begin, (size_t)(end - begin));
	l->at = end + 1;
	l->type = type;
	return NULL;
}

/* Puts what the JSON string quoted[0..len) says into l->text. */
static const char *take_json(struct lexer *l, const char *quoted, size_t len)
{
	struct paths none;
	struct buf line;
	struct span said;
	size_t where = 0;
	const char *why;

	paths_init(&none);
	buf_init(&line);
	buf_reserve(&line, len + 1 + SCAN_PAD);
	buf_add(&line, quoted, len);
	buf_char(&line, '\n');
	why = scan(&none, line.data, len, &said, NULL, &where);
	buf_clear(&l->text);
	if (why)
		l->from = quoted + where;
	else
		text_unescape(&l->text, &said);
	buf_release(&line);
	paths_release(&none);
	return why;
}

static const char *read_json_string(struct lexer *l)
{
	const char *p = l->from + 1;

	while (*p && *p != '"')
		p += *p == '\\' && p[1] ? 2 : 1;
	if (!*p)
		return "a string that doesn't end";
	l->at = p + 1;
	l->type = TOKEN_STRING;
	return take_json(l, l->from, (size_t)(l->at - l->from));
}

/* Those of two characters before those of one. */
static const char *read_sign(struct lexer *l)
{
	static const struct {
		const char *sign;
		enum token_type type;
		const char *instead;
	} signs[] = {
		{"==", TOKEN_EQUAL, NULL},
		{"!=", TOKEN_UNEQUAL, NULL},
		{"<=", TOKEN_LESS_EQUAL, NULL},
		{">=", TOKEN_GREATER_EQUAL, NULL},
		{"&&", TOKEN_END, "'&&' is written 'and'"},
		{"||", TOKEN_END, "'||' is written 'or'"},
		{"<>", TOKEN_END, "'<>' is written '!='"},
		{"=~", TOKEN_END, "'=~' is written matches(FIELD, \"REGEX\")"},
		{"=", TOKEN_END, "'=' is written '=='"},
		{"!", TOKEN_END, "'!' is written 'not'"},
		{"<", TOKEN_LESS, NULL},
		{">", TOKEN_GREATER, NULL},
		{"+", TOKEN_PLUS, NULL},
		{"-", TOKEN_MINUS, NULL},
		{"*", TOKEN_TIMES, NULL},
		{"/", TOKEN_DIVIDE, NULL},
		{"%", TOKEN_MODULO, NULL},
		{"(", TOKEN_OPEN, NULL},
		{")", TOKEN_CLOSE, NULL},
		{",", TOKEN_COMMA, NULL},
	};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
		size_t len = strlen(signs[i].sign);

		if (strncmp(l->from, signs[i].sign, len) != 0)
			continue;
		l->type = signs[i].type;
		l->at = l->from + len;
		return signs[i].instead;
	}
	return "an unexpected character";
}

const char *lexer_next(struct lexer *l)
{
	l->from = l->at + strspn(l->at, " \t\r\n");
	switch (*l->from) {
	case '\0':
		l->at = l->from;
		l->type = TOKEN_END;
		return NULL;
	case '"':
		return read_json_string(l);
	case '\'':
		return read_quoted(l, TOKEN_STRING, "a string that doesn't end");
	case '`':
		return read_quoted(l, TOKEN_FIELD, "a field name that doesn't end");
	default:
		break;
	}
	if (is_digit(*l->from))
		return read_number(l);
	return begins_name(*l->from) ? read_name(l) : read_sign(l);
}
