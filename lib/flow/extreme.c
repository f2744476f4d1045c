#include "flow/extreme.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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
	return e->best ? sizeof(*e->best) + e->best->cap : 0;
}

void extreme_add(struct extreme *e, enum extreme_side side, const struct decimal *value,
	const struct sample *sample)
{
	struct extreme_best *best = e->best;
	size_t cap = best ? best->cap : 0;

	if (best && !is_better(best, side, value, sample))
		return;
	if (!best || sample->len > cap) {
		cap = sample->len;
		best = e->best = mem_resize(best, sizeof(*best) + cap);
	}
	*best = (struct extreme_best){.value = *value, .sample = *sample, .cap = cap};
	best->sample.bytes = memcpy((char *)(best + 1), sample->bytes, sample->len);
}

void extreme_merge(struct extreme *e, enum extreme_side side, const struct extreme *from)
{
	if (from->best)
		extreme_add(e, side, &from->best->value, &from->best->sample);
}
