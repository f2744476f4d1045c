#include "io/identity.h"

#include <fcntl.h>
#include <unistd.h>

#include "test.h"

static int begin(const char *text, size_t times)
{
	char name[] = "/tmp/identity.XXXXXX";
	int fd = mkstemp(name);

	check(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < times; i++)
		check(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	return fd;
}

void test_grows_until_its_head_is_there(void)
{
	int fd = begin("0123456789", 10);
	struct identity is, grown;
	struct stat st;

	identity_take(&is, fd, "x");
	check_int(is.head_bytes, 100);
	check(identity_begins_so(&is, fd, "x"));
	check(lseek(fd, 0, SEEK_END) == 100);
	for (int i = 0; i < 200; i++)
		check(write(fd, "abcdefghij", 10) == 10);
	check(identity_begins_so(&is, fd, "x"));
	identity_take(&grown, fd, "x");
	check_int(grown.head_bytes, IDENTITY_HEAD_BYTES);
	check(fstat(fd, &st) == 0 && identity_is_at(&grown, &st));
	st.st_ino++;
	check(!identity_is_at(&grown, &st));
	check(pwrite(fd, "!", 1, 1023) == 1);
	check(!identity_begins_so(&grown, fd, "x"));
	check(identity_begins_so(&is, fd, "x"));
	check(ftruncate(fd, 99) == 0);
	check(!identity_begins_so(&is, fd, "x"));
	close(fd);
}

void test_tail(void)
{
	int fd = begin("0123456789", 100);
	struct tail tail;

	check(!tail_take(&tail, fd, 1001, "x"));
	check(tail_take(&tail, fd, 0, "x") && tail.bytes == 0);
	check(tail_holds(&tail, fd, 0, "x"));
	check(tail_take(&tail, fd, 10, "x") && tail.bytes == 10);
	check(tail_take(&tail, fd, 500, "x") && tail.bytes == IDENTITY_TAIL_BYTES);
	check(pwrite(fd, "!", 1, 500) == 1 && pwrite(fd, "!", 1, 500 - 257) == 1);
	check(tail_holds(&tail, fd, 500, "x"));
	check(!tail_holds(&tail, fd, 501, "x"));
	check(pwrite(fd, "!", 1, 499) == 1);
	check(!tail_holds(&tail, fd, 500, "x"));
	close(fd);
}
