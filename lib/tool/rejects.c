#include "tool/rejects.h"

#include <stdlib.h>
#include <string.h>

#include "base/die.h"

const char *rejects_read_limit(const char *text, void *to)
{
	struct rejects_limit *limit = to;
	size_t digits = strspn(text, "0123456789.");
	char *end;

	limit->most = strtod(text, &end);
	limit->is_percent = text[digits] == '%';
	limit->is_set = true;
	if (!digits || end != text + digits || text[digits + limit->is_percent] ||
		(!limit->is_percent && strchr(text, '.')))
		return "not a number of records or a percentage";
	return NULL;
}

static bool too_many(const struct rejects *r, uint64_t records)
{
	if (!r->limit.is_set)
		return false;
	if (!r->limit.is_percent)
		return (double)r->count > r->limit.most;
	return records >= REJECTS_PERCENT_FROM &&
	       (double)r->count * 100 > r->limit.most * (double)records;
}

void rejects_judge(const struct rejects *r, const char *source, uint64_t line, uint64_t records)
{
	if (too_many(r, records))
		die(EX_DATAERR,
			"%s: line %llu: %llu of %llu records are bad, more than --max-bad allows",
			source, (unsigned long long)line, (unsigned long long)r->count,
			(unsigned long long)records);
}

void rejects_take(
	struct rejects *r, struct deadletters *store, const struct letter *l, uint64_t records)
{
	r->count++;
	if (!r->dlq)
		die(EX_DATAERR,
			"%s: line %llu, byte %llu: %s%s%s; --dlq DIR keeps such records and goes "
			"on",
			l->source, (unsigned long long)l->line, (unsigned long long)l->offset,
			l->reason, l->detail ? ": " : "", l->detail ? l->detail : "");
	deadletters_file(store, l);
	rejects_judge(r, l->source, l->line, records);
}
