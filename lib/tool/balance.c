#include "tool/balance.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/die.h"

void balance_reason(struct balance *b, const char *reason)
{
	unsigned i = 0;

	while (i < b->reason_count && b->reasons[i].name != reason &&
		strcmp(b->reasons[i].name, reason) != 0)
		i++;
	if (i == b->reason_count) {
		assert(i < BALANCE_REASONS_MAX);
		b->reasons[b->reason_count++] = (struct balance_reason){.name = reason};
	}
	b->reasons[i].count++;
}

uint64_t balance_unfinished(const struct balance *b)
{
	uint64_t done = b->passed + b->absorbed;

	for (unsigned i = 0; i < b->reason_count; i++)
		done += b->reasons[i].count;
	return b->in - done;
}

static void add_term(struct buf *to, bool *first, const char *name, uint64_t count)
{
	buf_format(to, "%s%s %llu", *first ? " = " : " + ", name, (unsigned long long)count);
	*first = false;
}

void balance_text(struct buf *to, const struct balance *b, const char *passed_word)
{
	uint64_t unfinished = balance_unfinished(b);
	bool first = true;

	buf_format(to, "in %llu", (unsigned long long)b->in);
	if (b->passed || !b->absorbed)
		add_term(to, &first, passed_word, b->passed);
	if (b->absorbed)
		add_term(to, &first, "absorbed", b->absorbed);
	for (unsigned i = 0; i < b->reason_count; i++)
		add_term(to, &first, b->reasons[i].name, b->reasons[i].count);
	if (unfinished)
		add_term(to, &first, "unfinished", unfinished);
	if (b->made)
		buf_format(to, "; made %llu", (unsigned long long)b->made);
	buf_format(to, "; out %llu", (unsigned long long)(b->passed + b->made));
	if (b->empty)
		buf_format(to, "; empty lines %llu", (unsigned long long)b->empty);
}

static json_t *hash_json(uint64_t hash)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)hash);
	return json_string(text);
}

static json_t *count_json(uint64_t now, uint64_t before)
{
	return json_integer((json_int_t)(now - before));
}

/* Names are only ever added, so a reason stands in the same place in both. */
static json_t *reasons_json(const struct balance *b, const struct balance *since)
{
	json_t *reasons = json_object();

	for (unsigned i = 0; i < b->reason_count; i++)
		if (b->reasons[i].count > since->reasons[i].count)
			json_object_set_new(reasons, b->reasons[i].name,
				count_json(b->reasons[i].count, since->reasons[i].count));
	return reasons;
}

json_t *balance_json(const struct balance *b, const struct balance *since, const char *stage)
{
	json_t *balance =
		json_pack("{sssosososososo}", "name", stage, "in", count_json(b->in, since->in),
			"out", count_json(b->passed + b->made, since->passed + since->made), "made",
			count_json(b->made, since->made), "reasons", reasons_json(b, since),
			"hash_in", hash_json(b->hash_in - since->hash_in), "hash_out",
			hash_json(b->hash_out - since->hash_out));

	if (!balance)
		die(EX_TEMPFAIL, "out of memory for the balance");
	return balance;
}
