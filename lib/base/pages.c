#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/die.h"
#include "base/mem.h"

enum {
	HUGE_BYTES = 2 << 20, /* a page of the second size, with most systems */
	HUGE_FROM = 4,        /* what is smaller than so many of them has no use for whole ones */
};

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

size_t pages_suitable(size_t bytes)
{
	size_t unit = bytes < HUGE_FROM * (size_t)HUGE_BYTES ? pages_round(1) : HUGE_BYTES;

	return bytes - bytes % unit;
}

#if MOVES_PAGES

/* Addresses for so many bytes, where huge pages may begin: they are looked for with one to spare.
 */
static void *reserve(size_t bytes)
{
	size_t most = bytes + HUGE_BYTES, before, behind;
	char *at = mmap(NULL, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return MAP_FAILED;
	before = (HUGE_BYTES - (uintptr_t)at % HUGE_BYTES) % HUGE_BYTES;
	behind = most - before - bytes;
	if (before)
		munmap(at, before);
	if (behind)
		munmap(at + before + bytes, behind);
	return at + before;
}

/* With huge pages there are fewer to be fetched, cleared one by one, and looked up at each access.
 * It is a hint. */
static void *resize_large(void *old, size_t old_bytes, size_t bytes)
{
	void *at = MAP_FAILED, *pages;

	if (old && (uintptr_t)old % HUGE_BYTES == 0)
		at = mremap(old, old_bytes, bytes, 0);
	if (at != MAP_FAILED)
		return at;
	at = reserve(bytes);
	if (at == MAP_FAILED)
		return MAP_FAILED;
	pages = old ? mremap(old, old_bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at)
		    : mmap(at, bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (pages != MAP_FAILED)
		madvise(pages, bytes, MADV_HUGEPAGE);
	return pages;
}

static void *resize_small(void *old, size_t old_bytes, size_t bytes)
{
	if (old)
		return mremap(old, old_bytes, bytes, MREMAP_MAYMOVE);
	return mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

void *pages_resize(void *old, size_t old_bytes, size_t bytes)
{
	void *pages;

	if (!bytes) {
		if (old)
			munmap(old, old_bytes);
		return NULL;
	}
	if (bytes == old_bytes)
		return old;
	pages = bytes < HUGE_BYTES ? resize_small(old, old_bytes, bytes)
				   : resize_large(old, old_bytes, bytes);
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
