#include "state/sourcelog.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "test.h"

static char dir[] = "/tmp/sourcelog.XXXXXX";

static struct checkpoint place(uint64_t run)
{
	return (struct checkpoint){.dir = dir, .stage = "source", .stage_dir = dir, .run = run};
}

static void put(struct piece *p, const char *text)
{
	int fds[2];

	check(pipe(fds) == 0);
	check(write(fds[1], text, strlen(text)) == (ssize_t)strlen(text));
	close(fds[1]);
	check_int(piece_move(p, fds[0], "test", 1 << 20), strlen(text));
	check_int(piece_move(p, fds[0], "test", 1 << 20), 0);
	close(fds[0]);
}

static void is_read(struct piece *p, const char *want)
{
	char text[100];
	size_t len = 0, n;

	/* byte by byte, so that reads don't fit writes */
	while ((n = piece_read(p, text + len, 1)))
		len += n;
	text[len] = '\0';
	check_text(text, want);
}

static struct piece_origin of(const char *input)
{
	return (struct piece_origin){.input = mem_string(input)};
}

static void clean(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	check(system(command) == 0);
}

void test_what_is_moved_is_read(void)
{
	struct checkpoint c = place(1);
	struct sourcelog log;
	struct piece p;

	check(mkdtemp(dir));
	sourcelog_init(&log, &c, 0);
	piece_begin(&p, &log, of("-"), 0);
	put(&p, "one\ntwo");
	is_read(&p, "one\ntwo");
	put(&p, "2\n");
	is_read(&p, "2\n");
	piece_seek(&p, 4);
	is_read(&p, "two2\n");
	check_int(piece_end(&p), 9);
	piece_end_line(&p);
	check_int(piece_end(&p), 9);
	put(&p, "x");
	piece_end_line(&p);
	is_read(&p, "x\n");
	piece_release(&p);
	clean();
}

/* Two runs are killed; the third finds what both had, in order, whole lines only. */
void test_found_again(void)
{
	struct checkpoint first = place(0xf), second = place(0xa), third = place(0xc);
	json_t *files = json_array();
	struct sourcelog log;
	struct piece p, *found;
	uint64_t since;
	size_t count;

	check(mkdtemp(dir));
	sourcelog_init(&log, &first, 0);
	piece_begin(&p, &log, of("-"), 0);
	put(&p, "a\nb\n");
	piece_list(&p, 2, files);
	since = log.next_number;
	put(&p, "c\nd");
	piece_release(&p);

	sourcelog_init(&log, &second, since);
	found = sourcelog_find(&log, since, files, &count);
	check_int(count, 1);
	piece_release(&found[0]);
	free(found);
	piece_begin(&p, &log, of("-"), 0);
	put(&p, "e\n");
	piece_release(&p);

	sourcelog_init(&log, &third, since);
	found = sourcelog_find(&log, since, files, &count);
	check_int(count, 2);
	piece_seek(&found[0], 2);
	is_read(&found[0], "b\nc\n");
	check_int(found[0].debris, 1);
	is_read(&found[1], "e\n");
	check_int(found[1].debris, 0);
	check_int(log.next_number, 3);
	piece_release(&found[0]);
	piece_release(&found[1]);
	free(found);

	/* what the record doesn't name and is older than it was read */
	found = sourcelog_find(&log, 2, NULL, &count);
	check_int(count, 1);
	piece_release(&found[0]);
	free(found);
	json_decref(files);
	clean();
}

/* A run that was killed before its first line was whole has no bytes of anything. */
void test_head_is_cut_off(void)
{
	struct checkpoint c = place(1);
	struct sourcelog log;
	char path[200];
	size_t count;
	FILE *file;

	check(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log.%016x.000004", dir, 2);
	file = fopen(path, "w");
	check(file && fputs("{\"log\":1,\"input\":", file) >= 0 && fclose(file) == 0);
	sourcelog_init(&log, &c, 0);
	free(sourcelog_find(&log, 1, NULL, &count));
	check_int(count, 0);
	check_int(log.next_number, 5);
	clean();
}
