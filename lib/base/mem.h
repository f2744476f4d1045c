/* Allocation that does not fail: the one place where being out of memory ends the process. */
#ifndef MEM_H
#define MEM_H

#include <stddef.h>

/* Each dies with EX_TEMPFAIL when there is no memory. The caller frees with free(3). */
void *mem_alloc(size_t size);
void *mem_zero(size_t count, size_t size);
void *mem_resize(void *old, size_t size);
char *mem_string(const char *text);
void *mem_copy(const void *from, size_t size);

#endif
