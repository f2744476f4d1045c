/*
 * The text of a shell pipeline, cut into its commands at each | that stands outside of quotes,
 * expansions, groups and comments (POSIX.1-2024, XCU 2.2 to 2.10). What is inside of them is the
 * shell's to read; here it is only stepped over.
 */
#ifndef SHELL_H
#define SHELL_H

#include <stdbool.h>
#include <stddef.h>

struct shell_part {
	const char *text; /* borrows; without blanks and comments around it */
	size_t len;
	bool is_simple; /* a program, which `exec` can be put before; no group, no builtin */
	size_t program; /* where its name begins: behind assignments and redirections */
	bool is_ours;   /* the program, or one that it is to become (nice, env), is a dd-* */
};

struct shell_parts {
	struct shell_part *list;
	size_t count;
};

/*
 * Borrows text. Returns NULL, or a static reason why it is no pipeline, with the place in *where.
 * Lists (;, &, &&, ||, lines) and compound commands are refused outside of groups. The caller
 * releases in either case. O(length).
 */
const char *shell_split(struct shell_parts *parts, const char *text, const char **where);
void shell_release(struct shell_parts *parts);

#endif
