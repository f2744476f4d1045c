/*
 * What one writev(2) writes, and what it leaves.
 */
#ifndef PARTS_H
#define PARTS_H

#include <stddef.h>
#include <sys/uio.h>

/* Takes the first len bytes off the parts, as many as were written. Returns how many parts are
 * left; *parts is the first of them. */
static inline int parts_take(struct iovec **parts, int count, size_t len)
{
	struct iovec *first = *parts;

	while (count && len >= first->iov_len) {
		len -= first->iov_len;
		first++;
		count--;
	}
	if (count) {
		first->iov_base = (char *)first->iov_base + len;
		first->iov_len -= len;
	}
	*parts = first;
	return count;
}

/* The bytes are only read; iovec has no const. */
static inline struct iovec parts_of(const void *bytes, size_t len)
{
	return (struct iovec){.iov_base = (void *)(size_t)bytes, .iov_len = len};
}

#endif
