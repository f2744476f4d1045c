/* state/spool: frames, segments, the chain, and damage at every byte. */
#include "state/spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "scratch.h"

enum { RUN = 0xabc };

static const char first_segment[] = "spool.0000000000000abc.000001";

static void add(struct spool *s, struct spool_chain *c, const char *text, uint64_t records)
{
	struct buf lines;

	buf_init(&lines);
	buf_text(&lines, text);
	spool_add(s, c, &lines, records);
	buf_release(&lines);
}

static void path_of(char *to, size_t size, const char *dir, const char *name)
{
	snprintf(to, size, "%s/%s", dir, name);
}

/* Three frames of known texts; returns their bytes, which the caller frees. */
static char *three_frames(const char *dir, size_t *len)
{
	struct spool s;
	struct spool_chain c;
	char path[256], *bytes;
	struct stat st;
	int fd;

	spool_init(&s, dir, RUN);
	spool_chain_init(&c);
	add(&s, &c, "{\"n\":1}\n{\"n\":2}\n", 2);
	add(&s, &c, "{}\n", 1);
	add(&s, &c, "[3]\n[4]\n[5]\n", 3);
	spool_sync(&s);
	path_of(path, sizeof(path), dir, first_segment);
	fd = open(path, O_RDONLY);
	check(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	check_int(c.end, st.st_size);
	bytes = malloc(*len);
	check(read(fd, bytes, *len) == st.st_size);
	close(fd);
	spool_release(&s);
	spool_chain_release(&c);
	return bytes;
}

void test_a_segment_is_text(void)
{
	const char *dir = scratch_directory();
	size_t len;
	char *bytes = three_frames(dir, &len);

	check(strncmp(bytes, "#000000000016 000000000002 000000000001 ", 40) == 0);
	check(strncmp(bytes + 57, "{\"n\":1}\n{\"n\":2}\n", 16) == 0);
	check(strncmp(bytes + 73, "#000000000003 000000000001 000000000003 ", 40) == 0);
	check(strncmp(bytes + 130, "{}\n#000000000012 000000000003 000000000004 ", 43) == 0);
	check_int(len, 3 * 57 + 16 + 3 + 12);
	free(bytes);
}

void test_what_was_written_is_read(void)
{
	static const char *const texts[] = {"{\"n\":1}\n{\"n\":2}\n", "{}\n", "[3]\n[4]\n[5]\n"};
	static const uint64_t firsts[] = {1, 3, 4};
	const char *dir = scratch_directory();
	struct spool_frame f = {.next = 0};
	struct buf lines;
	char path[256];
	size_t len;
	int fd;

	free(three_frames(dir, &len));
	path_of(path, sizeof(path), dir, first_segment);
	fd = open(path, O_RDONLY);
	buf_init(&lines);
	for (int i = 0; i < 3; i++) {
		check(!spool_head_read(fd, f.next, len, &f));
		check_int(f.first, firsts[i]);
		check(!spool_lines_read(fd, first_segment, &f, &lines));
		check_text(buf_string(&lines), texts[i]);
	}
	check_int(f.next, len);
	check(spool_head_read(fd, f.next, len, &f) != NULL);
	buf_release(&lines);
	close(fd);
}

static void put(const char *path, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
	close(fd);
}

void test_a_changed_byte_is_found_wherever_it_is(void)
{
	static const uint64_t frames[] = {0, 73, 133};
	const char *dir = scratch_directory();
	char path[256], *bytes;
	uint64_t offset;
	size_t len;

	bytes = three_frames(dir, &len);
	path_of(path, sizeof(path), dir, first_segment);
	check(!spool_check(path, len, &offset));
	check_int(offset, len);
	for (size_t i = 0; i < len; i++) {
		int in = (i >= 73) + (i >= 133);

		for (int bit = 0; bit < 8; bit++) {
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
			put(path, bytes, len);
			check(spool_check(path, len, &offset) != NULL);
			check_int(offset, frames[in]);
			bytes[i] = (char)(bytes[i] ^ (1 << bit));
		}
	}
	free(bytes);
}

void test_only_ends_of_frames_are_lengths(void)
{
	const char *dir = scratch_directory();
	char path[256], *bytes;
	uint64_t offset;
	size_t len;

	bytes = three_frames(dir, &len);
	path_of(path, sizeof(path), dir, first_segment);
	for (size_t i = 0; i <= len; i++) {
		bool is_end = i == 0 || i == 73 || i == 133 || i == len;

		check((spool_check(path, i, &offset) == NULL) == is_end);
	}
	put(path, bytes, len - 1);
	check_text(spool_check(path, len, &offset), "it is shorter than it was");
	check_int(offset, 133);
	unlink(path);
	check_text(spool_check(path, len, &offset), "it is not there");
	free(bytes);
}

/* A frame of another segment, or from another place in this one, is none. */
void test_frames_stay_where_they_are(void)
{
	const char *dir = scratch_directory();
	char path[256], *bytes;
	uint64_t offset;
	size_t len;

	bytes = three_frames(dir, &len);
	path_of(path, sizeof(path), dir, "spool.0000000000000abc.000002");
	put(path, bytes, len);
	check(spool_check(path, len, &offset) != NULL);
	check_int(offset, 0);
	path_of(path, sizeof(path), dir, first_segment);
	put(path, bytes + 73, 60);
	check(spool_check(path, 60, &offset) != NULL);
	free(bytes);
}

void test_large_spools_are_several_segments(void)
{
	const char *dir = scratch_directory();
	struct spool s;
	struct spool_chain c;
	struct buf lines;
	char path[256];
	uint64_t offset, sum = 0;

	buf_init(&lines);
	for (int i = 0; i < 100000; i++)
		buf_text(&lines, "{\"text\":\"0123456789\"}\n");
	spool_init(&s, dir, RUN);
	spool_chain_init(&c);
	for (int i = 0; i < 10; i++)
		spool_add(&s, &c, &lines, 100000);
	spool_sync(&s);
	check_int(c.count, 3);
	for (size_t i = 0; i < c.count; i++) {
		check_int(c.segments[i].start, sum);
		check_int(c.segments[i].number, i + 1);
		sum += c.segments[i].bytes;
		path_of(path, sizeof(path), dir, c.segments[i].name);
		check(!spool_check(path, c.segments[i].bytes, &offset));
	}
	check_int(sum, c.end);
	check(spool_chain_at(&c, c.segments[1].start) == &c.segments[1]);
	check(spool_chain_at(&c, c.segments[1].start - 1) == &c.segments[0]);
	check(!spool_chain_at(&c, c.end));
	spool_chain_drop(&c, c.segments[1].start);
	check_int(c.count, 2);
	check_int(c.segments[0].number, 2);
	/* the last stays, as it may grow */
	spool_chain_drop(&c, c.end);
	check_int(c.count, 1);
	spool_add(&s, &c, &lines, 100000);
	check_int(c.count, 1);
	check_int(c.end, sum + 57 + lines.len);
	spool_release(&s);
	spool_chain_release(&c);
	buf_release(&lines);
}

static void take_a_name_twice(void *dir)
{
	size_t len;

	free(three_frames(dir, &len));
	free(three_frames(dir, &len));
}

void test_no_run_writes_to_what_is_there(void)
{
	struct child c;

	child_run(&c, take_a_name_twice, scratch_directory());
	check_int(c.status, 78);
	check(strstr(c.err, "is there already"));
}
