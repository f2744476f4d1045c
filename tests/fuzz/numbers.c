/*
 * Decimals and the values with units: what is read and printed reads back the same; of two numbers,
 * separated by a blank, the arithmetic keeps its laws.
 */
#include "base/decimalprint.h"
#include "base/units.h"
#include "replay.h"

static struct decimal read_number(const char *text)
{
	struct decimal d;

	must(decimal_is_number(text, strlen(text)));
	must(!decimal_parse(&d, text, strlen(text)));
	return d;
}

static void print_and_read(const struct decimal *d)
{
	char text[DECIMAL_TEXT_MAX], again[DECIMAL_TEXT_MAX];
	struct decimal back;

	must(decimal_print(text, d) == strlen(text));
	back = read_number(text);
	if (d->is_double) {
		must(decimal_to_double(&back) == d->number);
		return;
	}
	must(decimal_compare(d, &back) == 0);
	must(decimal_print(again, &back) == strlen(again) && strcmp(text, again) == 0);
}

static void check_laws(const struct decimal *a, const struct decimal *b)
{
	struct decimal sum, other, back;
	const char *why = decimal_add(&sum, a, b);

	must(decimal_compare(a, b) == -decimal_compare(b, a) ||
		(decimal_compare(a, b) < 0) == (decimal_compare(b, a) > 0));
	must(why == decimal_add(&other, b, a));
	if (why)
		return;
	must(decimal_compare(&sum, &other) == 0);
	print_and_read(&sum);
	if (!sum.is_double && !a->is_double && !b->is_double) {
		must(!decimal_subtract(&back, &sum, b));
		must(decimal_compare(&back, a) == 0);
	}
	if (!decimal_multiply(&sum, a, b)) {
		must(!decimal_multiply(&other, b, a) && decimal_compare(&sum, &other) == 0);
		print_and_read(&sum);
	}
	if (!decimal_divide(&sum, a, b))
		print_and_read(&sum);
	if (!decimal_modulo(&sum, a, b))
		print_and_read(&sum);
}

static void read_units(const char *text)
{
	char printed[UNITS_DURATION_TEXT_MAX];
	int64_t ns, back;
	uint64_t number;
	double rate;

	if (!units_duration(text, &ns))
		must(ns >= 0);
	if (!units_signed_duration(text, &ns)) {
		must(units_duration_text(ns, printed) == (int)strlen(printed));
		must(!units_signed_duration(printed, &back) && back == ns);
	}
	units_size(text, &number);
	units_count(text, &number);
	if (!units_rate(text, &rate))
		must(rate > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = calloc(1, len + 1), *second;
	struct decimal a, b;

	memcpy(text, bytes, len);
	read_units(text);
	second = strchr(text, ' ');
	if (second)
		*second++ = '\0';
	if (decimal_is_number(text, strlen(text)) && !decimal_parse(&a, text, strlen(text))) {
		print_and_read(&a);
		if (second && decimal_is_number(second, strlen(second)) &&
			!decimal_parse(&b, second, strlen(second)))
			check_laws(&a, &b);
	}
	free(text);
	return 0;
}
