/*
 * Large arrays that grow and shrink without being copied: the system moves their pages. What is
 * given back is the system's again at once, so that nothing is lost between arrays of many sizes.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stddef.h>

/* The least that it costs to hold so many bytes: whole pages. */
size_t pages_round(size_t bytes);

/* At most so many: whole pages, for large arrays those of the larger size that there are. */
size_t pages_suitable(size_t bytes);

/* Makes an array of old_bytes one of so many bytes; both are whole pages, or 0 with NULL for none.
 * What is new reads as zeros. Dies with EX_TEMPFAIL when there is no memory. */
void *pages_resize(void *old, size_t old_bytes, size_t bytes);

#endif
