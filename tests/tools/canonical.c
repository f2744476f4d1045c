/* The canonical text of each line, for tests/oracle/canonical. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/canonical.h"
#include "record/path.h"

int main(void)
{
	struct canonical c;
	struct paths none;
	struct buf line, to;
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;

	canonical_init(&c);
	paths_init(&none);
	buf_init(&line);
	buf_init(&to);
	while ((len = getline(&text, &cap, stdin)) > 0) {
		struct span root;
		const char *why;
		size_t where;

		buf_clear(&line);
		buf_clear(&to);
		buf_add(&line, text, (size_t)len);
		memset(buf_reserve(&line, SCAN_PAD), '"', SCAN_PAD);
		why = scan(&none, line.data, (size_t)len - 1, &root, NULL, &where);
		if (why)
			buf_format(&to, "%s at %zu", why, where);
		else
			canonical_add(&c, &to, &root);
		puts(buf_string(&to));
	}
	buf_release(&to);
	buf_release(&line);
	paths_release(&none);
	canonical_release(&c);
	free(text);
	return 0;
}
