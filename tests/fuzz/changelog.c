/*
 * A file of a changelog. Behind a first byte of 0 the input is the file, else the entries of its
 * one block, of which the rest is made right. What is taken out of a file makes the same bytes when
 * it is written again.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "base/compact.h"
#include "replay.h"
#include "state/logread.h"

static const char name[] = "state.0000000000002222.000001";

static const char *write_again(
	void *to, const char *key, size_t key_len, const char *value, size_t value_len)
{
	compact_add(to, 2 * key_len + (value != NULL));
	if (value)
		compact_add(to, value_len);
	buf_add(to, key, key_len);
	buf_add(to, value, value_len);
	return NULL;
}

static void make_file(struct buf *file, const char *entries, size_t len)
{
	buf_format(file, LOGREAD_HEADER "%s\n", name);
	compact_add_word(file, len);
	compact_add_word(file, logread_hash(entries, len, file->len - COMPACT_WORD));
	buf_add(file, entries, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *input = (const char *)bytes + 1, *why, *check;
	struct buf file = {0}, again = {0};
	uint64_t offset, check_offset;
	int fd;

	if (!len)
		return 0;
	if (bytes[0])
		make_file(&file, input, len - 1);
	else
		buf_add(&file, input, len - 1);
	fd = memfd_create(name, MFD_CLOEXEC);
	must(fd >= 0 && write(fd, file.data, file.len) == (ssize_t)file.len);
	must(lseek(fd, 0, SEEK_SET) == 0);
	why = logread_file(fd, name, file.len, write_again, &again, &offset);
	must(offset <= file.len && (why || offset == file.len));
	must(lseek(fd, 0, SEEK_SET) == 0);
	check = logread_file(fd, name, file.len, NULL, NULL, &check_offset);
	must(check == why && check_offset == offset);
	if (!why && bytes[0])
		must(again.len == len - 1 && memcmp(again.data, input, again.len) == 0);
	close(fd);
	buf_release(&again);
	buf_release(&file);
	return 0;
}
