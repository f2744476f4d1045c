/*
 * What stands under the operands of a source at one moment: each operand expanded, in their order.
 * The list owns its paths, and lasts for one look; what it says of a file was true then.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct source_file;

struct finding {
	char *path;
	size_t operand;
	bool is_from_glob;
	struct stat st;         /* of stdin: nothing */
	struct source_file *is; /* borrowed; NULL: it is new */
};

struct findings {
	struct finding *list;
	size_t count;
};

bool operand_is_stdin(const char *operand);

/* A file whose name has an asterisk in it is that file. */
bool operand_is_pattern(const char *operand);

/* The caller releases them. What isn't there is in none, without a word. */
struct findings findings_expand(char *const *operands, size_t count);
void findings_release(struct findings *f);

/* Copies path. From a pattern, directories and what is gone by now are left out. */
void findings_add(struct findings *f, const char *path, size_t operand, bool is_from_glob);

/* What the pattern matches, by name. Dies with EX_TEMPFAIL if memory runs out. */
void findings_add_pattern(struct findings *f, const char *pattern, size_t operand);

#endif
