/* The entries of a table in the order of their keys. */
#ifndef TABLESORT_H
#define TABLESORT_H

#include "base/table.h"

/* All entries, sorted by the bytes of their keys: gives an array of count, and NULL behind them.
 * O(n log n). */
struct table_entry **table_sorted(const struct table *t);

#endif
