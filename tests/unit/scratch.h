/* A directory for one test, gone with its process. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <dirent.h>
#include <unistd.h>

#include "test.h"

static char scratch_path[64];

static inline void scratch_remove(void)
{
	DIR *dir = opendir(scratch_path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(scratch_path);
}

static inline char *scratch_directory(void)
{
	snprintf(scratch_path, sizeof(scratch_path), "/tmp/ddpipe-test.XXXXXX");
	check(mkdtemp(scratch_path));
	atexit(scratch_remove);
	return scratch_path;
}

#endif
