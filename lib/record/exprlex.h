/* The words of an expression. */
#ifndef EXPRLEX_H
#define EXPRLEX_H

#include "base/buf.h"
#include "base/decimal.h"

enum token_type {
	TOKEN_END,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_NAME, /* a field or function; TOKEN_FIELD is one in backticks */
	TOKEN_FIELD,
	TOKEN_TRUE,
	TOKEN_FALSE,
	TOKEN_NULL,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
	TOKEN_OR,
	TOKEN_AND,
	TOKEN_NOT,
	TOKEN_EQUAL,
	TOKEN_UNEQUAL,
	TOKEN_LESS,
	TOKEN_LESS_EQUAL,
	TOKEN_GREATER,
	TOKEN_GREATER_EQUAL,
	TOKEN_PLUS,
	TOKEN_MINUS,
	TOKEN_TIMES,
	TOKEN_DIVIDE,
	TOKEN_MODULO,
	TOKEN_TYPES,
};

struct lexer {
	const char *at; /* what is yet to be read; borrowed */
	enum token_type type;
	const char *from; /* where the token begins; after a failure: what is wrong */
	struct buf text;  /* what a string says, or the name */
	struct decimal number;
};

/* The text is UTF-8 and outlives the lexer. The first token is yet to be read. */
void lexer_init(struct lexer *l, const char *text);
void lexer_release(struct lexer *l);

/* Reads the next token. Returns NULL or a static reason. */
const char *lexer_next(struct lexer *l);

#endif
