/* Windows that depend on the time alone: tumbling, hopping, of the calendar, and the one of all. */
#ifndef ALIGNED_H
#define ALIGNED_H

#include "tool/windower.h"

extern const struct window_kind aligned_windows;

#endif
