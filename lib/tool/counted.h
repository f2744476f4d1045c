/* Count windows: every SLIDE records of a key, its last COUNT records. */
#ifndef COUNTED_H
#define COUNTED_H

#include "tool/windower.h"

extern const struct window_kind count_windows;

#endif
