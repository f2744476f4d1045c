#include "record/path.h"

#include "record/scan.h"
#include "test.h"

static void check_refused(const char *name, const char *want)
{
	struct paths p;
	int value = -7;

	paths_init(&p);
	check_text(paths_add(&p, name, &value), want);
	check_int(value, -7);
	check_int(p.count, 0);
	/* what was refused is no obstacle to what comes next */
	check(!paths_add(&p, "a.b", &value));
	check_int(value, 0);
	paths_release(&p);
}

void test_names_that_are_no_paths(void)
{
	static const char *const empty[] = {"", ".", "a.", ".a", "a..b", "a.b."};
	static const char *const tilde[] = {"/~", "/a~", "/~2", "/a~/b", "/a/~~0", "/~b"};

	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++)
		check_refused(empty[i], "an empty part in a path");
	for (size_t i = 0; i < sizeof(tilde) / sizeof(*tilde); i++)
		check_refused(tilde[i], "a '~' in a pointer must be '~0' or '~1'");
}

void test_the_same_path_again(void)
{
	static const char *const names[] = {
		"a.b", "/a/b", "a", "/a", "b", "a.b", "/", "//", "/a/b/"};
	static const int want[] = {0, 0, 1, 1, 2, 0, 3, 4, 5};
	struct paths p;

	paths_init(&p);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int value = -1;

		check(!paths_add(&p, names[i], &value));
		check_int(value, want[i]);
	}
	check_int(p.count, 6);
	paths_release(&p);
}

void test_as_many_parts_as_may_be(void)
{
	char name[PATH_MAX_PARTS * 2 + 2];
	struct paths p;
	int value;

	for (int i = 0; i <= PATH_MAX_PARTS; i++)
		memcpy(name + 2 * i, "a.", 2);
	name[PATH_MAX_PARTS * 2 + 1] = '\0';
	check_refused(name, "too many parts in a path");
	name[PATH_MAX_PARTS * 2 - 1] = '\0';
	paths_init(&p);
	check(!paths_add(&p, name, &value));
	paths_release(&p);
}

void test_as_many_paths_as_may_be(void)
{
	char name[16];
	struct paths p;
	int value = -1;

	paths_init(&p);
	for (int i = 0; i < PATHS_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		check(!paths_add(&p, name, &value));
		check_int(value, i);
	}
	check_text(paths_add(&p, "one.more", &value), "too many paths");
	check_int(p.count, PATHS_MAX);
	check(!paths_add(&p, "f7", &value));
	check_int(value, 7);
	paths_release(&p);
}
