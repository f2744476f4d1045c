/* Time zones by name, from the system's files under $TZDIR or /usr/share/zoneinfo. */
#ifndef ZONEINFO_H
#define ZONEINFO_H

#include "flow/zone.h"

/*
 * Reads the zone called name, such as Europe/Berlin. Only "UTC" is built in and needs no file; no
 * other name ever means UTC for want of its file. The caller releases. Returns NULL, or a static
 * reason, with nothing to release: not a name, an unknown zone, no zone data on this system, or
 * what zone_parse says of the file.
 */
const char *zoneinfo_load(struct zone *z, const char *name);

#endif
