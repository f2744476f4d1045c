#include "record/version.h"

#include <string.h>

static const char *const kinds[] = {[VERSION_NUMBER] = "number", [VERSION_TIME] = "time"};

const char *version_init(struct version_reader *v, const char *zone_name)
{
	*v = (struct version_reader){.kind = VERSION_ANY};
	return time_format_set(&v->time, "rfc3339", zone_name);
}

void version_release(struct version_reader *v)
{
	time_format_release(&v->time);
}

static const char *refuse(struct version_reader *v, const char *detail)
{
	v->detail = detail;
	return "not_a_version";
}

static const char *read_number(
	struct version_reader *v, const struct span *value, struct decimal *version)
{
	if (v->kind == VERSION_TIME)
		return refuse(v, "a number where the versions so far are times");
	if (decimal_parse_padded(version, value->at, value->len) || version->is_double)
		return refuse(v, "a number of more digits than are compared exactly");
	v->kind = VERSION_NUMBER;
	return NULL;
}

static const char *read_time(
	struct version_reader *v, const struct span *value, struct decimal *version)
{
	int64_t ns;

	if (v->kind == VERSION_NUMBER)
		return refuse(v, "a string where the versions so far are numbers");
	if (time_read(&v->time, value, &ns))
		return refuse(v, v->time.detail);
	*version = decimal_from_integer(ns);
	v->kind = VERSION_TIME;
	return NULL;
}

const char *version_read(
	struct version_reader *v, const struct span *value, struct decimal *version)
{
	switch ((enum span_type)value->type) {
	case SPAN_MISSING:
	case SPAN_NULL:
		v->detail = "the version is missing or null";
		return "no_version";
	case SPAN_NUMBER:
		return read_number(v, value, version);
	case SPAN_STRING:
		return read_time(v, value, version);
	default:
		return refuse(v, "neither a number nor a time");
	}
}

const char *version_kind(const struct version_reader *v)
{
	return kinds[v->kind];
}

bool version_decide(struct version_reader *v, const char *kind)
{
	for (enum version_kind k = VERSION_NUMBER; k <= VERSION_TIME; k++) {
		if (strcmp(kinds[k], kind) != 0)
			continue;
		v->kind = k;
		return true;
	}
	return false;
}
