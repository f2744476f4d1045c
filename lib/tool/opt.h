/*
 * The command line: one table feeds parsing, --help and the comparison with the manual. Long
 * options take --name=value and --name value, letters -kVALUE and -k VALUE; options and operands
 * may be mixed; everything behind -- is an operand.
 */
#ifndef OPT_H
#define OPT_H

#include <stdbool.h>

/* Reads an option's value into *to; returns NULL or a static lower-case reason. */
typedef const char *opt_reader(const char *text, void *to);

struct opt {
	char letter;             /* 0: none */
	const char *name;        /* without dashes; a row without name and group ends a table */
	const char *arg;         /* what the help calls its value; NULL for a flag */
	const char *help;        /* NULL: a common option, which the overview page explains */
	opt_reader *read;        /* NULL for a flag */
	void *to;                /* a flag's is a bool */
	const char *env;         /* a variable that stands in for the option; NULL: none */
	const struct opt *group; /* instead of all that: another table, whose rows stand here */
};

struct opt_command {
	const char *purpose;  /* the manual's one-line description */
	const char *operands; /* as the usage line shows them */
	const struct opt *own;
	const struct opt *common;
};

/*
 * Parses, or prints --help or --version and exits 0, or dies with EX_USAGE. Moves the operands to
 * argv[0..] and returns how many there are.
 */
int opt_parse(const struct opt_command *c, int argc, char **argv);

/* Readers, for a const char *, an int64_t of nanoseconds (signed and not), a uint64_t of bytes, a
 * uint64_t count. */
opt_reader opt_text, opt_duration, opt_signed_duration, opt_size, opt_count;

#endif
