/*
 * Answers questions about times, a line each, for tests/oracle/time:
 *
 *	zone NAME         ok, or why not; for the questions after it
 *	offset UTC_S      the zone's offset
 *	utc LOCAL_S       the instant of a local time
 *	shown NS          a time printed in the zone
 *	format F [ZONE]   ok, or why not; for the questions after it
 *	string TEXT       nanoseconds, or the reason
 *	number TEXT       the same for a JSON number
 *	print NS          a time printed in UTC
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/zoneinfo.h"
#include "record/time.h"

static struct zone zone;
static struct time_format format;
static char pattern[256]; /* borrowed by format */

static const char *format_set(char *words)
{
	char *name = strchr(words, '\t');

	if (name)
		*name++ = '\0';
	snprintf(pattern, sizeof(pattern), "%s", words);
	time_format_release(&format);
	return time_format_set(&format, pattern, name);
}

static const char *zone_set(const char *name)
{
	zone_release(&zone);
	return zoneinfo_load(&zone, name);
}

static void read_value(uint8_t type, const char *text)
{
	struct span value = {.at = text, .len = (uint32_t)strlen(text), .type = type};
	int64_t ns;
	const char *reason = time_read(&format, &value, &ns);

	if (reason)
		puts(reason);
	else
		printf("%" PRId64 "\n", ns);
}

static void say(const char *reason)
{
	puts(reason ? reason : "ok");
}

static void answer(const char *question, char *about)
{
	char text[TIME_TEXT_MAX];
	int64_t number = strtoll(about, NULL, 10);

	if (strcmp(question, "zone") == 0) {
		say(zone_set(about));
	} else if (strcmp(question, "offset") == 0) {
		printf("%" PRId32 "\n", zone_offset(&zone, number));
	} else if (strcmp(question, "utc") == 0) {
		printf("%" PRId64 "\n", zone_to_utc(&zone, number));
	} else if (strcmp(question, "shown") == 0) {
		time_print_zone(text, number, &zone);
		puts(text);
	} else if (strcmp(question, "format") == 0) {
		say(format_set(about));
	} else if (strcmp(question, "string") == 0) {
		read_value(SPAN_STRING, about);
	} else if (strcmp(question, "number") == 0) {
		read_value(SPAN_NUMBER, about);
	} else if (strcmp(question, "print") == 0) {
		time_print(text, number);
		puts(text);
	} else {
		puts("unknown question");
	}
}

int main(void)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char *about = line + strcspn(line, " \n");

		line[strcspn(line, "\n")] = '\0';
		if (*about)
			*about++ = '\0';
		answer(line, about);
	}
	zone_release(&zone);
	time_format_release(&format);
	return 0;
}
