#include "state/survey.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/instant.h"
#include "base/mem.h"
#include "state/document.h"

static int name_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool names_read(struct names *n, const char *dir)
{
	DIR *open_dir = opendir(dir);
	struct dirent *entry;
	size_t cap = 0;

	*n = (struct names){NULL, 0};
	if (!open_dir)
		return false;
	while ((entry = readdir(open_dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (n->count == cap) {
			cap = cap ? 2 * cap : 16;
			n->list = mem_resize(n->list, cap * sizeof(*n->list));
		}
		n->list[n->count++] = mem_string(entry->d_name);
	}
	closedir(open_dir);
	if (n->count)
		qsort(n->list, n->count, sizeof(*n->list), name_order);
	return true;
}

void names_release(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	*n = (struct names){NULL, 0};
}

/* Holding it for an instant is no harm: who takes such a lock asks again for a while. */
bool lock_is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_held;

	if (fd < 0)
		return false;
	is_held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	return is_held;
}

const char *survey_incarnation(const char *dir, char text[INCARNATION_DIGITS + 1])
{
	char bytes[INCARNATION_DIGITS + 2] = "";
	struct buf path;
	ssize_t n = -1;
	int fd;

	buf_init(&path);
	buf_format(&path, "%s/incarnation", dir);
	fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	buf_release(&path);
	if (fd < 0)
		return errno == ENOENT ? "it is not there" : "it cannot be opened";
	n = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (n != INCARNATION_DIGITS + 1 || bytes[n - 1] != '\n' ||
		strspn(bytes, "0123456789abcdef") != INCARNATION_DIGITS)
		return "32 hexadecimal digits and a newline should be there";
	memcpy(text, bytes, INCARNATION_DIGITS);
	text[INCARNATION_DIGITS] = '\0';
	return NULL;
}

json_t *survey_document(const char *dir, const char *name, const char **why)
{
	json_t *document;
	struct buf path;

	buf_init(&path);
	buf_format(&path, "%s/%s", dir, name);
	document = document_read(buf_string(&path), why);
	buf_release(&path);
	return document;
}

bool survey_time(const json_t *text, int64_t *ns)
{
	const char *at = json_string_value(text);
	struct tm utc = {0};

	if (!at || !strptime(at, "%Y-%m-%dT%H:%M:%S", &utc))
		return false;
	*ns = (int64_t)timegm(&utc) * NS_PER_S;
	return true;
}

const char *survey_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}
