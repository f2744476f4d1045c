/* The grammar of expressions. */
#ifndef EXPRPARSE_H
#define EXPRPARSE_H

#include <stdint.h>

#include "record/exprstep.h"
#include "record/path.h"

enum {
	EXPR_DEPTH_MAX = 200, /* of parentheses, calls and signs */
	EXPR_STEPS_MAX = 1000,
};

struct program {
	struct step *steps;
	uint32_t count;
};

/*
 * Appends the steps of the expression text to an empty program, which the caller releases in any
 * case, and adds its paths. Returns NULL, or a static reason with *fault the place in text.
 */
const char *program_parse(
	struct program *g, const char *text, struct paths *paths, const char **fault);

void program_release(struct program *g);

#endif
