#include "flow/extreme.h"

#include <stdlib.h>
#include <string.h>

#include "base/compact.h"
#include "base/mem.h"

static bool is_better(const struct extreme_best *best, enum extreme_side side,
	const struct decimal *value, const struct sample *sample)
{
	int order = decimal_compare(value, &best->value) * (int)side;

	return order ? order > 0 : sample_compare(sample, &best->sample) < 0;
}

void extreme_release(struct extreme *e)
{
	free(e->best);
	e->best = NULL;
}

size_t extreme_bytes(const struct extreme *e)
{
	return e->best ? sizeof(*e->best) + e->best->sample.len : 0;
}

static void set(struct extreme *e, const struct decimal *value, const struct sample *sample)
{
	if (!e->best || sample->len != e->best->sample.len)
		e->best = mem_resize(e->best, sizeof(*e->best) + sample->len);
	*e->best = (struct extreme_best){.value = *value, .sample = *sample};
	e->best->sample.bytes = (char *)(e->best + 1);
	if (sample->len)
		memcpy(e->best + 1, sample->bytes, sample->len);
}

void extreme_add(struct extreme *e, enum extreme_side side, const struct decimal *value,
	const struct sample *sample)
{
	if (!e->best || is_better(e->best, side, value, sample))
		set(e, value, sample);
}

void extreme_merge(struct extreme *e, enum extreme_side side, const struct extreme *from)
{
	if (from->best)
		extreme_add(e, side, &from->best->value, &from->best->sample);
}

static const struct sample none;

void extreme_pack(const struct extreme *e, struct buf *to)
{
	compact_add(to, e->best != NULL);
	if (!e->best)
		return;
	decimal_pack(&e->best->value, to);
	sample_pack(&e->best->sample, &none, to);
}

bool extreme_unpack(struct extreme *e, const char **at, const char *end)
{
	uint64_t is_there;
	struct decimal value;
	struct sample sample;

	if (!compact_take(at, end, &is_there) || is_there > 1)
		return false;
	if (!is_there)
		return true;
	if (!decimal_unpack(&value, at, end) || !sample_unpack(&sample, &none, at, end))
		return false;
	set(e, &value, &sample);
	return true;
}
