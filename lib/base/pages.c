#include "base/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

/* A sanitizer sees what is read behind an array only if that is malloc's. */
#if defined(MREMAP_MAYMOVE) && !defined(__SANITIZE_ADDRESS__)
#define MOVES_PAGES 1
#else
#define MOVES_PAGES 0
#endif

size_t pages_round(size_t bytes)
{
	static size_t page;

	if (!page)
		page = (size_t)sysconf(_SC_PAGESIZE);
	return (bytes + page - 1) / page * page;
}

#if MOVES_PAGES

void *pages_resize(void *old, size_t old_bytes, size_t bytes)
{
	void *pages = old;

	if (!bytes) {
		if (old)
			munmap(old, old_bytes);
		return NULL;
	}
	if (!old)
		pages = mmap(
			NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (bytes != old_bytes)
		pages = mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
	if (pages == MAP_FAILED)
		die(EX_TEMPFAIL, "out of memory (%zu bytes asked for)", bytes);
	return pages;
}

#else

void *pages_resize(void *old, size_t old_bytes, size_t bytes)
{
	char *pages;

	if (!bytes) {
		free(old);
		return NULL;
	}
	pages = mem_resize(old, bytes);
	if (bytes > old_bytes)
		memset(pages + old_bytes, 0, bytes - old_bytes);
	return pages;
}

#endif
