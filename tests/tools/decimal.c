/*
 * Works out what stands on stdin for tests/oracle/decimal: on each line an operation and its
 * numbers; for each line the result, as "exact TEXT", "double TEXT", an order, or "error REASON".
 */
#include "base/decimalprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct decimal next_number(void)
{
	const char *text = strtok(NULL, " ");
	struct decimal d;

	if (!text || !decimal_is_number(text, strlen(text)) ||
		decimal_parse(&d, text, strlen(text))) {
		fprintf(stderr, "not a number: '%s'\n", text ? text : "");
		exit(1);
	}
	return d;
}

static void print_result(const char *reason, const struct decimal *d)
{
	char text[DECIMAL_TEXT_MAX];

	if (reason) {
		printf("error %s\n", reason);
		return;
	}
	if (decimal_print(text, d) != strlen(text))
		exit(1);
	printf("%s %s\n", d->is_double ? "double" : "exact", text);
}

static void parse(void)
{
	const char *text = strtok(NULL, " ");
	struct decimal d;

	if (!decimal_is_number(text, strlen(text)))
		printf("error not a number\n");
	else
		print_result(decimal_parse(&d, text, strlen(text)), &d);
}

static void sum(bool average)
{
	uint64_t count = strtoull(strtok(NULL, " "), NULL, 10);
	struct decimal_sum s;
	struct decimal d;
	const char *reason;

	decimal_sum_init(&s);
	for (uint64_t i = 0; i < count; i++) {
		d = next_number();
		decimal_sum_add(&s, &d);
	}
	if (average)
		count = strtoull(strtok(NULL, " "), NULL, 10);
	reason = average ? decimal_sum_average(&s, count, &d) : decimal_sum_value(&s, &d);
	print_result(reason, &d);
}

static void unary(const char *name)
{
	struct decimal d = next_number();

	if (strcmp(name, "negate") == 0)
		decimal_negate(&d);
	else if (strcmp(name, "double") == 0)
		decimal_from_double(&d, decimal_to_double(&d));
	else
		exit(1);
	print_result(NULL, &d);
}

static bool binary(const char *name)
{
	static const struct {
		const char *name;
		const char *(*work)(
			struct decimal *, const struct decimal *, const struct decimal *);
	} table[] = {
		{"add", decimal_add},
		{"subtract", decimal_subtract},
		{"multiply", decimal_multiply},
		{"divide", decimal_divide},
		{"modulo", decimal_modulo},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (strcmp(name, table[i].name) == 0) {
			struct decimal a = next_number(), b = next_number(), result;

			print_result(table[i].work(&result, &a, &b), &result);
			return true;
		}
	}
	return false;
}

int main(void)
{
	static char line[65536];

	while (fgets(line, sizeof(line), stdin)) {
		const char *name;

		line[strcspn(line, "\n")] = '\0';
		name = strtok(line, " ");
		if (strcmp(name, "parse") == 0) {
			parse();
		} else if (strcmp(name, "compare") == 0) {
			struct decimal a = next_number(), b = next_number();
			int c = decimal_compare(&a, &b);

			printf("%d\n", (c > 0) - (c < 0));
		} else if (strcmp(name, "sum") == 0 || strcmp(name, "average") == 0) {
			sum(name[0] == 'a');
		} else if (!binary(name)) {
			unary(name);
		}
	}
	return fflush(stdout) != 0;
}
