#include "tool/held.h"

#include <string.h>

json_t *held_json(const struct held *h)
{
	char run[RUN_DIGITS + 1];

	if (!h->is_there)
		return json_object();
	run_print(run, h->at.run);
	return json_pack("{s:s, s:I, s:s}", "incarnation", h->incarnation, "epoch",
		(json_int_t)h->at.number, "run", run);
}

bool incarnation_read(const char *text, char to[INCARNATION_DIGITS + 1])
{
	if (strlen(text) != INCARNATION_DIGITS ||
		strspn(text, "0123456789abcdef") != INCARNATION_DIGITS)
		return false;
	memcpy(to, text, INCARNATION_DIGITS + 1);
	return true;
}

bool held_read(const json_t *from, struct held *h)
{
	const char *incarnation, *run;
	json_int_t epoch;

	*h = (struct held){.is_there = false};
	if (json_is_object(from) && !json_object_get(from, "incarnation") &&
		!json_object_get(from, "epoch") && !json_object_get(from, "run"))
		return true;
	h->is_there = true;
	if (json_unpack((json_t *)from, "{s:s, s:I, s:s}", "incarnation", &incarnation, "epoch",
		    &epoch, "run", &run) < 0 ||
		epoch < 0)
		return false;
	h->at.number = (uint64_t)epoch;
	return incarnation_read(incarnation, h->incarnation) && run_read(run, &h->at.run);
}
