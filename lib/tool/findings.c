#include "tool/findings.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/mem.h"

bool operand_is_stdin(const char *operand)
{
	return strcmp(operand, "-") == 0;
}

bool operand_is_pattern(const char *operand)
{
	struct stat st;

	return operand[strcspn(operand, "*?[")] && lstat(operand, &st) != 0;
}

void findings_add(struct findings *f, const char *path, size_t operand, bool is_from_glob)
{
	struct finding is = {.operand = operand, .is_from_glob = is_from_glob};

	/* a file that went just now is no finding of a pattern */
	if (!operand_is_stdin(path) && stat(path, &is.st) != 0 && is_from_glob)
		return;
	if (is_from_glob && S_ISDIR(is.st.st_mode))
		return;
	is.path = mem_string(path);
	f->list = mem_resize(f->list, (f->count + 1) * sizeof(*f->list));
	f->list[f->count++] = is;
}

void findings_add_pattern(struct findings *f, const char *pattern, size_t operand)
{
	glob_t found;
	int answer = glob(pattern, 0, NULL, &found);

	if (answer == GLOB_NOSPACE)
		die(EX_TEMPFAIL, "out of memory for '%s'", pattern);
	for (size_t i = 0; answer == 0 && i < found.gl_pathc; i++)
		findings_add(f, found.gl_pathv[i], operand, true);
	if (answer == 0)
		globfree(&found);
}

struct findings findings_expand(char *const *operands, size_t count)
{
	struct findings f = {.list = NULL};

	for (size_t i = 0; i < count; i++) {
		const char *operand = operands[i];
		struct stat st;

		if (operand_is_pattern(operand))
			findings_add_pattern(&f, operand, i);
		else if (operand_is_stdin(operand) || stat(operand, &st) == 0)
			findings_add(&f, operand, i, false);
	}
	return f;
}

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->list[i].path);
	free(f->list);
}
