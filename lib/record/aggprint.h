/* The result of an aggregate, as JSON. */
#ifndef AGGPRINT_H
#define AGGPRINT_H

#include "record/aggstate.h"

/* Appends it: null where no value came; as_sketch: distinct and quantile give what merge takes. A
 * static reason if it is beyond all numbers. */
const char *aggprint_result(
	const struct aggregate *g, const void *at, bool as_sketch, struct buf *to);

#endif
