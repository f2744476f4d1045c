/*
 * Sorts pointers by the bytes of their keys: by eight bytes of each as a number, and only where
 * those are the same by asking. A radix sort, lowest digit first (Knuth, TAOCP 3, 5.2.5), of the
 * bytes in which the numbers differ at all, or, of decimal digits, of the half bytes.
 */
#ifndef ORDER_H
#define ORDER_H

#include <stddef.h>
#include <stdint.h>

struct order_item {
	uint64_t head;
	void *what;
};

/* Eight bytes of a key from an offset on, as order_sort compares them. */
uint64_t order_head(const char *key, size_t len, size_t from);

/* compare is that of qsort, on two items whose heads are the same; it gets their `what`. O(n), and
 * O(m log m) for m with the same head. What the heads are then is not said. */
void order_sort(struct order_item *items, size_t count,
	int (*compare)(const void *a, const void *b, const void *context), const void *context);

#endif
