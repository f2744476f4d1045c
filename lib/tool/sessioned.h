/* Session windows: runs of a key's records that are no more than a gap apart. */
#ifndef SESSIONED_H
#define SESSIONED_H

#include "tool/windower.h"

extern const struct window_kind session_windows;

#endif
