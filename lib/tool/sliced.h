/*
 * Hopping windows that give results once (--emit final): kept in slices (flow/slices), so that a
 * record costs the same however many windows it is in, and a window a merge or two for each key.
 */
#ifndef SLICED_H
#define SLICED_H

#include "tool/windower.h"

extern const struct window_kind sliced_windows;

#endif
