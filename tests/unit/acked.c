/* state/acked: what journals say together, and what damage does to them. */
#include "state/acked.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "scratch.h"

static const char A1[] = "spool.000000000000000a.000001", A2[] = "spool.000000000000000a.000002",
		  B1[] = "spool.000000000000000b.000001";

/* A1 of 100 bytes, A2 of 200, B1 of 300. */
static struct spool_chain chain_of_three(void)
{
	struct spool_chain c;

	spool_chain_init(&c);
	spool_chain_grow(&c, 0xa, 1, 100);
	spool_chain_grow(&c, 0xa, 2, 200);
	spool_chain_grow(&c, 0xb, 1, 300);
	return c;
}

static uint64_t position_in(const char *dir)
{
	struct spool_chain c = chain_of_three();
	struct acked a;
	uint64_t position;

	acked_init(&a);
	acked_read(&a, dir);
	position = acked_position(&a, &c);
	acked_release(&a);
	spool_chain_release(&c);
	return position;
}

void test_the_position_is_behind_what_was_answered_for_last(void)
{
	const char *dir = scratch_directory();
	struct journal j;

	check_int(position_in(dir), 0);
	journal_init(&j, dir, 0xa);
	check_int(position_in(dir), 0);
	journal_end(&j, A1, 40);
	check_int(position_in(dir), 40);
	journal_end(&j, A2, 50);
	check_int(position_in(dir), 150);
	journal_release(&j);
	/* another run goes on, and says only what it knows */
	journal_init(&j, dir, 0xb);
	journal_end(&j, A2, 50);
	journal_end(&j, B1, 299);
	check_int(position_in(dir), 599);
	/* beyond what is committed */
	journal_end(&j, B1, 1000);
	check_int(position_in(dir), 600);
	journal_release(&j);
}

void test_what_is_not_in_the_chain_says_nothing(void)
{
	const char *dir = scratch_directory();
	struct journal j;
	struct acked a;

	journal_init(&j, dir, 0xa);
	journal_end(&j, "spool.000000000000000c.000001", 40);
	check_int(position_in(dir), 0);
	acked_init(&a);
	acked_read(&a, dir);
	check(acked_is_done(&a, "spool.000000000000000c.000001", 39));
	check(!acked_is_done(&a, "spool.000000000000000c.000001", 40));
	check(!acked_is_done(&a, A1, 0));
	acked_release(&a);
	journal_release(&j);
}

static json_t *step(int number)
{
	return json_pack("{s:i}", "which", number);
}

static void check_steps(const char *dir, const char *segment, uint64_t frame, int count)
{
	struct acked a;
	json_t *steps;

	acked_init(&a);
	acked_read(&a, dir);
	steps = acked_steps(&a, segment, frame);
	check_int(json_array_size(steps), count);
	for (int i = 0; i < count; i++)
		check_int(json_integer_value(
				  json_object_get(json_array_get(steps, (size_t)i), "which")),
			i + 1);
	acked_release(&a);
}

/* Whichever of the journals is read first. */
void test_steps_that_are_said_again_count_once(void)
{
	const char *dir = scratch_directory();
	struct journal j;

	journal_init(&j, dir, 0xf);
	journal_end(&j, A1, 40);
	journal_step(&j, A1, 40, step(1));
	journal_step(&j, A1, 40, step(2));
	journal_release(&j);
	check_steps(dir, A1, 40, 2);
	check_steps(dir, A1, 41, 0);
	for (uint64_t run = 1; run <= 0x20; run += 0x1f) {
		journal_init(&j, dir, run);
		journal_end(&j, A1, 40);
		for (int i = 1; i <= 3; i++)
			journal_step(&j, A1, 40, step(i));
		journal_release(&j);
		check_steps(dir, A1, 40, 3);
	}
}

void test_a_torn_last_line_is_not_there(void)
{
	const char *dir = scratch_directory();
	struct journal j;
	struct stat st;
	char path[256];
	uint64_t offset;

	journal_init(&j, dir, 0xa);
	journal_end(&j, A1, 40);
	journal_end(&j, A1, 60);
	snprintf(path, sizeof(path), "%s", j.path);
	journal_release(&j);
	check(stat(path, &st) == 0);
	for (off_t len = st.st_size; len >= 0; len--) {
		check(truncate(path, len) == 0);
		check_int(position_in(dir), len == st.st_size       ? 60
					    : len >= st.st_size / 2 ? 40
								    : 0);
		check(!acked_check(path, UINT64_MAX, &offset));
		check((acked_check(path, (uint64_t)st.st_size, &offset) == NULL) ==
			(len == st.st_size));
	}
}

static void read_it(void *dir)
{
	struct acked a;

	acked_init(&a);
	acked_read(&a, dir);
	acked_release(&a);
}

void test_a_changed_byte_before_the_last_line_is_damage(void)
{
	char *dir = scratch_directory();
	struct journal j;
	struct child c;
	char path[256], bytes[512];
	uint64_t offset;
	ssize_t len;
	int fd;

	journal_init(&j, dir, 0xa);
	journal_end(&j, A1, 40);
	journal_end(&j, A1, 60);
	snprintf(path, sizeof(path), "%s", j.path);
	journal_release(&j);
	fd = open(path, O_RDWR);
	len = read(fd, bytes, sizeof(bytes));
	for (ssize_t i = 0; i < len / 2; i++) {
		char changed = (char)(bytes[i] ^ 4);

		check(pwrite(fd, &changed, 1, i) == 1);
		check(acked_check(path, (uint64_t)len, &offset) != NULL);
		check_int(offset, 0);
		check(pwrite(fd, &bytes[i], 1, i) == 1);
	}
	bytes[20] = '!';
	check(pwrite(fd, bytes, (size_t)len, 0) == len);
	close(fd);
	child_run(&c, read_it, dir);
	check_int(c.status, 74);
	check(strstr(c.err, path) && strstr(c.err, "damaged at byte 0"));
}

/* The next journal of a run begins with what is known, so the one before it can go. */
void test_a_journal_that_has_grown_is_followed_by_another(void)
{
	const char *dir = scratch_directory();
	struct journal j;
	char path[256], text[100000] = "";

	journal_init(&j, dir, 0xa);
	journal_end(&j, A2, 30);
	memset(text, 'x', sizeof(text) - 1);
	for (int i = 1; j.number == 1; i++)
		journal_step(&j, A2, 30, json_pack("{s:i, s:s}", "which", i, "text", text));
	check_int(j.number, 2);
	check((journal_place(&j) >> 32) == 2);
	snprintf(path, sizeof(path), "%s/acked.000000000000000a.000001", dir);
	check(unlink(path) == 0);
	check_int(position_in(dir), 130);
	check_steps(dir, A2, 30, (int)json_array_size(j.steps));
	journal_release(&j);
}
