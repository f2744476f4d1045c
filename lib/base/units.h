/*
 * The values of options that carry a unit, and how a duration is written.
 *
 * Each reader takes the whole text and returns NULL, or a static reason and leaves the value alone.
 * Nothing is rounded, and what doesn't fit is refused.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdint.h>

enum { UNITS_DURATION_TEXT_MAX = 32 };

/*
 * "250ms", "1.5h", "1h30m", "0": numbers with the unit w, d (24 h), h, m, s, ms, us or ns, the
 * larger units first, each at most once. Decimals are allowed as far as they are whole
 * nanoseconds.
 */
const char *units_duration(const char *text, int64_t *ns);

/* As units_duration, with an optional "-" before all of it. */
const char *units_signed_duration(const char *text, int64_t *ns);

/*
 * Writes a duration so that units_signed_duration reads it back: whole weeks as "2w"; otherwise
 * days, hours, minutes and seconds, the parts that are zero left out, seconds with as many
 * decimals as needed ("1h30m", "45.5s"); below a second the largest of ms, us and ns that it
 * reaches ("1.5ms"); "0s". Returns the length.
 */
int units_duration_text(int64_t ns, char out[UNITS_DURATION_TEXT_MAX]);

/*
 * "4096", "4096B", "64k", "64M", "64MiB", "64MB": a whole number of bytes, or of k (or K), M, G, T,
 * which are powers of 1024 in each spelling.
 */
const char *units_size(const char *text, uint64_t *bytes);

/* A whole number of decimal digits. */
const char *units_count(const char *text, uint64_t *count);

/* "100/s", "0.5/m", "20/h": as a number per second, more than 0. */
const char *units_rate(const char *text, double *per_second);

#endif
