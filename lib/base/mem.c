#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"

static void *checked(void *memory, size_t size)
{
	if (!memory && size)
		die(EX_TEMPFAIL, "out of memory (%zu bytes asked for)", size);
	return memory;
}

void *mem_alloc(size_t size)
{
	return checked(malloc(size), size);
}

void *mem_zero(size_t count, size_t size)
{
	return checked(calloc(count, size), size);
}

void *mem_resize(void *old, size_t size)
{
	return checked(realloc(old, size), size);
}

void *mem_copy(const void *from, size_t size)
{
	void *copy = mem_alloc(size);

	if (size)
		memcpy(copy, from, size);
	return copy;
}

char *mem_string(const char *text)
{
	return mem_copy(text, strlen(text) + 1);
}
