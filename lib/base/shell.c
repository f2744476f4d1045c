#include "base/shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { DEPTH_MAX = 100 };

enum token {
	END,
	WORD,
	NEWLINE,
	PIPE,
	AND_OR,    /* && || */
	SEMICOLON, /* also ;; */
	AMPERSAND, /* also |& */
	OPEN,
	CLOSE,
	REDIRECTION,
	HERE_DOCUMENT,
};

struct lexer {
	const char *at;
	const char *start; /* of the token in hand */
	const char *why;   /* set when something is wrong, at `start` */
	int depth;
};

/* What ends a list of commands. */
enum closer { BY_PAREN, BY_BRACE, BY_ESAC };

static bool skip_list(struct lexer *l, enum closer closer);
static bool skip_dollar(struct lexer *l, bool quoted);

static bool fail(struct lexer *l, const char *at, const char *why)
{
	l->start = at;
	l->why = why;
	return false;
}

/* Quotes and expansions; each begins behind the character that opens it */

static bool skip_escape(struct lexer *l)
{
	l->at += l->at[1] ? 2 : 1;
	return true;
}

static bool skip_single(struct lexer *l)
{
	const char *end = strchr(++l->at, '\'');

	if (!end)
		return fail(l, l->at - 1, "a ' is not closed");
	l->at = end + 1;
	return true;
}

static bool skip_backtick(struct lexer *l)
{
	const char *begin = l->at++;

	while (*l->at != '`') {
		if (!*l->at)
			return fail(l, begin, "a ` is not closed");
		if (*l->at == '\\')
			skip_escape(l);
		else
			l->at++;
	}
	l->at++;
	return true;
}

/* One character, escape, quotation or expansion. In double quotes ' is nothing special. */
static bool skip_item(struct lexer *l, bool quoted);

static bool skip_double(struct lexer *l)
{
	const char *begin = l->at++;

	while (*l->at != '"') {
		if (!*l->at)
			return fail(l, begin, "a \" is not closed");
		if (!skip_item(l, true))
			return false;
	}
	l->at++;
	return true;
}

static bool skip_braced(struct lexer *l, bool quoted)
{
	const char *begin = l->at;

	l->at += 2;
	while (*l->at != '}') {
		if (!*l->at)
			return fail(l, begin, "a ${ is not closed");
		if (*l->at == '"' ? !skip_double(l) : !skip_item(l, quoted))
			return false;
	}
	l->at++;
	return true;
}

/* $((: arithmetic if its parentheses end in )), else a command that begins with a subshell. */
static bool skip_arithmetic(struct lexer *l)
{
	struct lexer try = *l;
	int open = 2;

	try.at += 3;
	while (open > 0) {
		if (!*try.at)
			return false;
		open += (*try.at == '(') - (*try.at == ')');
		if (open == 0 && try.at[-1] != ')')
			return false;
		if (!skip_item(&try, true))
			return false;
	}
	l->at = try.at;
	return true;
}

static bool skip_dollar(struct lexer *l, bool quoted)
{
	if (l->at[1] == '{')
		return skip_braced(l, quoted);
	if (l->at[1] == '\'' && !quoted)
		return fail(l, l->at, "$' is read by some shells only: use printf");
	if (l->at[1] != '(') {
		l->at++;
		return true;
	}
	if (l->at[2] == '(' && skip_arithmetic(l))
		return true;
	l->at += 2;
	return skip_list(l, BY_PAREN);
}

static bool skip_item(struct lexer *l, bool quoted)
{
	/* What nests does so through here. */
	if (l->depth >= DEPTH_MAX)
		return fail(l, l->at, "it is nested too deep");
	l->depth++;
	switch (*l->at) {
	case '\\':
		skip_escape(l);
		break;
	case '\'':
		if (quoted)
			l->at++;
		else
			skip_single(l);
		break;
	case '"':
		if (quoted)
			l->at++;
		else
			skip_double(l);
		break;
	case '`':
		skip_backtick(l);
		break;
	case '$':
		skip_dollar(l, quoted);
		break;
	default:
		l->at++;
	}
	l->depth--;
	return !l->why;
}

/* Tokens */

static bool skip_word(struct lexer *l)
{
	while (*l->at && !strchr(" \t\n|&;<>()", *l->at))
		if (!skip_item(l, false))
			return false;
	return true;
}

static void skip_blanks(struct lexer *l)
{
	for (;;) {
		if (*l->at == ' ' || *l->at == '\t')
			l->at++;
		else if (l->at[0] == '\\' && l->at[1] == '\n')
			l->at += 2;
		else if (*l->at == '#')
			l->at += strcspn(l->at, "\n");
		else
			return;
	}
}

struct operator
{
	const char *text;
	enum token token;
};

/* The longer ones first. */
static const struct operator operators[] = {
	{"<<", HERE_DOCUMENT},
	{">>", REDIRECTION},
	{">|", REDIRECTION},
	{">&", REDIRECTION},
	{"<&", REDIRECTION},
	{"<>", REDIRECTION},
	{"<", REDIRECTION},
	{">", REDIRECTION},
	{"||", AND_OR},
	{"|&", AMPERSAND},
	{"|", PIPE},
	{"&&", AND_OR},
	{"&", AMPERSAND},
	{";;", SEMICOLON},
	{";", SEMICOLON},
	{"(", OPEN},
	{")", CLOSE},
	{"\n", NEWLINE},
};

static enum token take_operator(struct lexer *l)
{
	const struct operator* o = operators;

	while (strncmp(l->at, o->text, strlen(o->text)) != 0)
		o++;
	l->at += strlen(o->text);
	return o->token;
}

/* END also where something is wrong. */
static enum token next(struct lexer *l)
{
	size_t digits;

	skip_blanks(l);
	l->start = l->at;
	digits = strspn(l->at, "0123456789");
	if (l->at[digits] == '<' || l->at[digits] == '>')
		l->at += digits;
	if (!*l->at)
		return END;
	if (strchr("\n|&;<>()", *l->at))
		return take_operator(l);
	return skip_word(l) ? WORD : END;
}

static bool is_among(const char *word, size_t len, const char *const *list)
{
	for (; *list; list++)
		if (strlen(*list) == len && memcmp(*list, word, len) == 0)
			return true;
	return false;
}

static bool is_word(const struct lexer *l, const char *text)
{
	return is_among(l->start, (size_t)(l->at - l->start), (const char *const[]){text, NULL});
}

/* Groups */

static const char *const not_closed[] = {
	[BY_PAREN] = "a ( is not closed",
	[BY_BRACE] = "a { is not closed: a } wants a ; or a new line before it",
	[BY_ESAC] = "a case is not closed by esac",
};

/* What a reserved word may stand behind; it counts only where a command could begin. */
static const char *const before_commands[] = {
	"!", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "}", "esac", NULL};

/* A word inside of a group; *begins says whether a command could begin with it, and then whether
 * one could behind it. */
static bool take_group_word(struct lexer *l, enum closer closer, bool *begins, bool *closed)
{
	bool begun = *begins;

	*begins = (begun && is_among(l->start, (size_t)(l->at - l->start), before_commands)) ||
		  (closer == BY_ESAC && is_word(l, "in"));
	if (!begun)
		return true;
	*closed = (closer == BY_BRACE && is_word(l, "}")) ||
		  (closer == BY_ESAC && is_word(l, "esac"));
	*begins = *begins || is_word(l, "{") || is_word(l, "case");
	if (is_word(l, "{"))
		return skip_list(l, BY_BRACE);
	return !is_word(l, "case") || skip_list(l, BY_ESAC);
}

/* A parenthesis or a here-document inside of a group. */
static bool take_group_operator(struct lexer *l, enum closer closer, enum token token, bool *closed)
{
	if (token == OPEN)
		return skip_list(l, BY_PAREN);
	if (token == HERE_DOCUMENT)
		return fail(l, l->start, "a here-document can't stand in it: use a file");
	*closed = closer == BY_PAREN;
	/* in a case it stands behind a pattern */
	return closer != BY_BRACE || fail(l, l->start, "a ) closes nothing");
}

static bool skip_commands(struct lexer *l, enum closer closer, const char *begin)
{
	bool begins = true, closed = false, good = true;

	while (good && !closed) {
		enum token token = next(l);

		if (token == END) {
			good = !l->why && fail(l, begin, not_closed[closer]);
		} else if (token == WORD) {
			good = take_group_word(l, closer, &begins, &closed);
		} else if (token == REDIRECTION) {
			next(l);
		} else {
			begins = true;
			if (token == OPEN || token == CLOSE || token == HERE_DOCUMENT)
				good = take_group_operator(l, closer, token, &closed);
		}
	}
	return good;
}

/* Over the commands of a group and what closes it; what opened it has been taken. */
static bool skip_list(struct lexer *l, enum closer closer)
{
	const char *begin = l->start;
	bool good;

	if (l->depth >= DEPTH_MAX)
		return fail(l, l->at, "it is nested too deep");
	l->depth++;
	good = skip_commands(l, closer, begin);
	l->depth--;
	if (good)
		l->start = begin;
	return good;
}

/* A part of the pipeline */

/* What the shell does itself, and no program can. */
static const char *const builtins[] = {".", ":", "alias", "bg", "break", "cd", "command",
	"continue", "eval", "exec", "exit", "export", "fg", "getopts", "hash", "jobs", "local",
	"read", "readonly", "return", "set", "shift", "source", "times", "trap", "type", "ulimit",
	"umask", "unalias", "unset", "wait", NULL};

static const char *const compounds[] = {"if", "then", "elif", "else", "fi", "while", "until", "for",
	"do", "done", "case", "esac", "select", "function", "[[", "}", NULL};

/* Programs that become another one. */
static const char *const wrappers[] = {"chrt", "env", "ionice", "nice", "nohup", "numactl",
	"setpriv", "setsid", "stdbuf", "taskset", NULL};

enum shape {
	NOTHING,
	PREPARED, /* assignments and redirections so far */
	PROGRAM,
	WRAPPER, /* a program that may become one of ours */
	GROUP,
};

static bool is_assignment(const struct lexer *l)
{
	const char *p = l->start;

	if (*p >= '0' && *p <= '9')
		return false;
	p += strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	return p > l->start && *p == '=';
}

static bool is_our_name(const struct lexer *l)
{
	const char *name = memrchr(l->start, '/', (size_t)(l->at - l->start));

	name = name ? name + 1 : l->start + (*l->start == '"' || *l->start == '\'');
	return l->at - name > 3 && memcmp(name, "dd-", 3) == 0;
}

static enum shape take_program(struct lexer *l, struct shell_part *part)
{
	size_t len = (size_t)(l->at - l->start);

	part->program = (size_t)(l->start - part->text);
	part->is_simple = !is_among(l->start, len, builtins);
	part->is_ours = is_our_name(l);
	return is_among(l->start, len, wrappers) ? WRAPPER : PROGRAM;
}

static bool take_word(struct lexer *l, struct shell_part *part, enum shape *shape)
{
	if (*shape == GROUP)
		return fail(l, l->start, "only redirections may stand behind a group");
	if (*shape == WRAPPER)
		part->is_ours = part->is_ours || is_our_name(l);
	if (*shape == PROGRAM || *shape == WRAPPER)
		return true;
	if (*shape == NOTHING && is_word(l, "{")) {
		*shape = GROUP;
		return skip_list(l, BY_BRACE);
	}
	if (*shape == NOTHING && is_word(l, "!"))
		return fail(l, l->start, "! can't turn round the status of a pipeline here");
	if (is_among(l->start, (size_t)(l->at - l->start), compounds))
		return fail(l, l->start, "a compound command must stand in { ...; }");
	if (is_assignment(l))
		*shape = PREPARED;
	else
		*shape = take_program(l, part);
	return true;
}

/* The words that say why not. */
static bool refuse(struct lexer *l, enum token token)
{
	static const char *const why[] = {
		[AND_OR] = "&& and || join pipelines, and this is to be one: put what they join in "
			   "{ ...; }",
		[SEMICOLON] = "a ; ends a pipeline, and this is to be one: put it in { ...; }",
		[AMPERSAND] = "a & does not belong in it: all parts run at once as it is, and 2>&1 "
			      "sends stderr along",
		[CLOSE] = "a ) closes nothing",
		[HERE_DOCUMENT] = "a here-document can't stand in it: use a file",
	};

	return fail(l, l->start, why[token]);
}

/* Behind the last part there may be empty lines and comments. */
static bool ends_here(struct lexer *l)
{
	skip_blanks(l);
	while (*l->at == '\n') {
		l->at++;
		skip_blanks(l);
	}
	return !*l->at || fail(l, l->at,
				  "a new line begins another pipeline: end the line before it with "
				  "| or \\");
}

/* A token that is no end and no new line. */
static bool take_token(
	struct lexer *l, enum token token, struct shell_part *part, enum shape *shape)
{
	if (token == WORD)
		return take_word(l, part, shape);
	if (token == OPEN && *shape == NOTHING) {
		*shape = GROUP;
		return skip_list(l, BY_PAREN);
	}
	if (token == OPEN)
		return fail(l, l->start, "a ( can't stand in a command: quote it");
	if (token != REDIRECTION)
		return refuse(l, token);
	if (*shape == NOTHING)
		*shape = PREPARED;
	return next(l) == WORD || (!l->why && fail(l, l->start, "a redirection wants a file"));
}

/* Up to a |, or to the end: *is_last says which. */
static bool take_part(struct lexer *l, struct shell_part *part, bool *is_last)
{
	enum shape shape = NOTHING;

	for (;;) {
		enum token token = next(l);

		if (l->why)
			return false;
		if (token == NEWLINE && (shape == NOTHING || ends_here(l)))
			continue;
		if (l->why)
			return false;
		*is_last = token == END;
		if (token == END || token == PIPE)
			return shape != NOTHING ||
			       fail(l, l->start,
				       token == PIPE ? "nothing stands before this |"
						     : "nothing stands there");
		if (shape == NOTHING)
			part->text = l->start;
		if (!take_token(l, token, part, &shape))
			return false;
		part->len = (size_t)(l->at - part->text);
	}
}

const char *shell_split(struct shell_parts *parts, const char *text, const char **where)
{
	struct lexer l = {.at = text};
	bool is_last = false;

	*parts = (struct shell_parts){NULL, 0};
	while (!is_last) {
		struct shell_part part = {0};

		if (!take_part(&l, &part, &is_last)) {
			*where = l.start;
			return l.why;
		}
		parts->list = mem_resize(parts->list, (parts->count + 1) * sizeof(*parts->list));
		parts->list[parts->count++] = part;
	}
	return NULL;
}

void shell_release(struct shell_parts *parts)
{
	free(parts->list);
	*parts = (struct shell_parts){NULL, 0};
}
