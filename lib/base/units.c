#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/wide.h"

static const char not_a_duration[] = "not a duration such as 30s, 250ms or 1h30m";
static const char not_a_size[] = "not a size such as 4096, 64k or 16M";
static const char not_a_rate[] = "not a rate such as 100/s, 20/m or 5/h";
static const char too_large[] = "too large";

/* The larger first. */
static const struct {
	const char *name;
	uint64_t ns;
} durations[] = {
	{"w", UINT64_C(604800000000000)},
	{"d", UINT64_C(86400000000000)},
	{"h", UINT64_C(3600000000000)},
	{"m", UINT64_C(60000000000)},
	{"s", UINT64_C(1000000000)},
	{"ms", 1000000},
	{"us", 1000},
	{"ns", 1},
};

enum { WEEK, DAY, SECOND = 4, MILLISECOND, DURATIONS = sizeof(durations) / sizeof(*durations) };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits up to the first other character. Returns false on overflow. */
static bool read_digits(const char **p, uint64_t *value)
{
	for (*value = 0; is_digit(**p); ++*p)
		if (__builtin_mul_overflow(*value, 10u, value) ||
			__builtin_add_overflow(*value, (unsigned)(**p - '0'), value))
			return false;
	return true;
}

/* Reads the digits behind a point, as part of 10^19 parts. Fails when a further one isn't zero. */
static bool read_fraction(const char **p, uint64_t *parts)
{
	uint64_t unit = UINT64_C(1000000000000000000);

	for (*parts = 0; is_digit(**p); ++*p, unit /= 10) {
		if (unit == 0 && **p != '0')
			return false;
		*parts += unit * (unsigned)(**p - '0');
	}
	return true;
}

/* Reads letters and finds them among the units from first on; DURATIONS if they aren't there. */
static size_t read_unit(const char **p, size_t first)
{
	size_t len = 0;

	while ((*p)[len] >= 'a' && (*p)[len] <= 'z')
		len++;
	for (; first < DURATIONS; first++) {
		const char *name = durations[first].name;

		if (strlen(name) == len && memcmp(name, *p, len) == 0)
			break;
	}
	*p += len;
	return first;
}

/* One number with its unit, which must be one from *unit on; that becomes the one behind it. */
static const char *read_term(const char **p, size_t *unit, uint128 *total)
{
	const uint64_t whole = UINT64_C(10000000000000000000);
	uint64_t value, parts = 0;
	uint128 fraction;
	bool exact = true;

	if (!is_digit(**p))
		return not_a_duration;
	if (!read_digits(p, &value))
		return too_large;
	if (**p == '.') {
		++*p;
		if (!is_digit(**p))
			return not_a_duration;
		exact = read_fraction(p, &parts);
	}
	if (!exact)
		return "finer than a nanosecond";
	if (!**p)
		return "without a unit: w, d, h, m, s, ms, us or ns";
	*unit = read_unit(p, *unit);
	if (*unit == DURATIONS)
		return not_a_duration;
	fraction = (uint128)parts * durations[*unit].ns;
	if (fraction % whole != 0)
		return "finer than a nanosecond";
	*total += (uint128)value * durations[*unit].ns + fraction / whole;
	++*unit;
	return NULL;
}

/* Each term is below 2^114, so their sum fits. */
static const char *read_magnitude(const char *p, uint128 *total)
{
	size_t unit = 0;

	*total = 0;
	if (strcmp(p, "0") == 0)
		return NULL;
	do {
		const char *reason = read_term(&p, &unit, total);

		if (reason)
			return reason;
	} while (*p);
	return NULL;
}

static const char *read_duration(const char *text, bool negative, int64_t *ns)
{
	uint128 total;
	const char *reason = read_magnitude(text, &total);

	if (reason)
		return reason;
	if (total > (uint128)INT64_MAX + negative)
		return too_large;
	*ns = negative ? (int64_t) - (int128)total : (int64_t)total;
	return NULL;
}

const char *units_duration(const char *text, int64_t *ns)
{
	if (text[0] == '-' && is_digit(text[1]))
		return "negative";
	return read_duration(text, false, ns);
}

const char *units_signed_duration(const char *text, int64_t *ns)
{
	return read_duration(text + (text[0] == '-'), text[0] == '-', ns);
}

/* Writes value/unit with the decimals it takes; unit is a power of ten, its digits places. */
static int decimals_text(char *out, size_t size, uint64_t value, uint64_t unit, int places)
{
	uint64_t rest = value % unit;
	int len = snprintf(out, size, "%" PRIu64, value / unit);

	if (rest == 0)
		return len;
	for (; rest % 10 == 0; places--)
		rest /= 10;
	return len + snprintf(out + len, size - (size_t)len, ".%0*" PRIu64, places, rest);
}

static int below_second_text(char *out, size_t size, uint64_t ns)
{
	if (ns == 0)
		return snprintf(out, size, "0s");
	for (int i = MILLISECOND, places = 6;; i++, places -= 3) {
		if (ns >= durations[i].ns) {
			int len = decimals_text(out, size, ns, durations[i].ns, places);

			return len +
			       snprintf(out + len, size - (size_t)len, "%s", durations[i].name);
		}
	}
}

int units_duration_text(int64_t ns, char out[UNITS_DURATION_TEXT_MAX])
{
	const size_t size = UNITS_DURATION_TEXT_MAX;
	uint64_t rest = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	int len = 0;

	if (ns < 0)
		out[len++] = '-';
	if (rest < durations[SECOND].ns)
		return len + below_second_text(out + len, size - (size_t)len, rest);
	if (rest % durations[WEEK].ns == 0)
		return len + snprintf(out + len, size - (size_t)len, "%" PRIu64 "w",
				     rest / durations[WEEK].ns);
	for (size_t i = DAY; i < SECOND; i++) {
		if (rest >= durations[i].ns)
			len += snprintf(out + len, size - (size_t)len, "%" PRIu64 "%s",
				rest / durations[i].ns, durations[i].name);
		rest %= durations[i].ns;
	}
	if (rest == 0)
		return len;
	len += decimals_text(out + len, size - (size_t)len, rest, durations[SECOND].ns, 9);
	return len + snprintf(out + len, size - (size_t)len, "s");
}

/* The power of two of a size's suffix, or -1. */
static int suffix_shift(const char *suffix)
{
	static const char letters[] = "kMGT";
	const char *letter;

	if (*suffix == '\0' || strcmp(suffix, "B") == 0)
		return 0;
	letter = strchr(letters, *suffix == 'K' ? 'k' : *suffix);
	if (!letter)
		return -1;
	if (suffix[1] != '\0' && strcmp(suffix + 1, "B") != 0 && strcmp(suffix + 1, "iB") != 0)
		return -1;
	return 10 * (int)(letter - letters + 1);
}

const char *units_size(const char *text, uint64_t *bytes)
{
	uint64_t value;
	int shift;

	if (!is_digit(*text))
		return not_a_size;
	if (!read_digits(&text, &value))
		return too_large;
	shift = suffix_shift(text);
	if (shift < 0)
		return not_a_size;
	if (value > UINT64_MAX >> shift)
		return too_large;
	*bytes = value << shift;
	return NULL;
}

const char *units_count(const char *text, uint64_t *count)
{
	uint64_t value;

	if (!is_digit(*text))
		return "not a whole number";
	if (!read_digits(&text, &value))
		return too_large;
	if (*text)
		return "not a whole number";
	*count = value;
	return NULL;
}

const char *units_rate(const char *text, double *per_second)
{
	uint64_t value, parts = 0;
	double rate;

	if (!is_digit(*text))
		return not_a_rate;
	if (!read_digits(&text, &value))
		return too_large;
	if (*text == '.') {
		text++;
		if (!is_digit(*text) || !read_fraction(&text, &parts))
			return not_a_rate;
	}
	rate = (double)value + (double)parts / 1e19;
	if (strcmp(text, "/m") == 0)
		rate /= 60;
	else if (strcmp(text, "/h") == 0)
		rate /= 3600;
	else if (strcmp(text, "/s") != 0)
		return not_a_rate;
	if (rate <= 0)
		return "not above zero";
	*per_second = rate;
	return NULL;
}
