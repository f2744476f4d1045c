#include "base/short.h"

#include <stdlib.h>

#include "random.h"
#include "test.h"

enum { LONGEST = 40 };

static char *random_bytes(size_t len)
{
	char *bytes = malloc(len ? len : 1);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)random_next();
	return bytes;
}

/* Nothing beside them is written. */
void test_copies_of_all_lengths(void)
{
	random_seed();
	for (size_t len = 0; len <= LONGEST; len++) {
		char *from = random_bytes(len), to[LONGEST + 2];

		memset(to, '#', sizeof(to));
		short_copy(to + 1, from, len);
		check(memcmp(to + 1, from, len) == 0);
		check(to[0] == '#' && to[len + 1] == '#');
		free(from);
	}
}

void test_every_byte_counts(void)
{
	random_seed();
	for (size_t len = 0; len <= LONGEST; len++) {
		char *a = random_bytes(len), *b = malloc(len ? len : 1);

		memcpy(b, a, len);
		check(short_equal(a, b, len));
		for (size_t at = 0; at < len; at++) {
			b[at] = (char)(b[at] ^ 1 << random_below(8));
			check(!short_equal(a, b, len));
			b[at] = a[at];
		}
		free(a);
		free(b);
	}
}
