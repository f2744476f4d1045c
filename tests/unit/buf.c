#include "base/buf.h"

#include "test.h"

void test_grows_and_keeps(void)
{
	struct buf b;

	buf_init(&b);
	for (int i = 0; i < 1000; i++)
		buf_format(&b, "%d,", i);
	check_int(b.len, 3890);
	check(memcmp(buf_string(&b) + b.len - 4, "999,", 5) == 0);
	buf_clear(&b);
	check_text(buf_string(&b), "");
	buf_release(&b);
}
