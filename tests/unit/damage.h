/* Damaged texts of sketches: cut, with a bit changed, or made up with a right check. */
#ifndef DAMAGE_H
#define DAMAGE_H

#include "base/buf.h"
#include "flow/packed.h"
#include "seeded.h"
#include "test.h"

/* Parses into an empty sketch, uses what comes out, releases it, and returns the reason. */
typedef const char *parse_and_use(const char *text, size_t len);

/* In memory of its own, so that a sanitizer sees what is read behind it. */
static inline const char *parse_copy(parse_and_use *parse, const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	const char *why;

	memcpy(copy, text, len);
	why = parse(copy, len);
	free(copy);
	return why;
}

/* Cuts and changes every step-th byte. */
static inline void check_damage(parse_and_use *parse, struct buf *text, size_t step)
{
	check(parse_copy(parse, text->data, text->len) == NULL);
	for (size_t len = 0; len < text->len; len += step)
		check(parse_copy(parse, text->data, len) != NULL);
	check(parse_copy(parse, text->data, text->len - 1) != NULL);
	for (size_t i = 0; i < text->len; i += step)
		for (int bit = 0; bit < 8; bit++) {
			text->data[i] = (char)(text->data[i] ^ 1 << bit);
			check(parse_copy(parse, text->data, text->len) != NULL);
			text->data[i] = (char)(text->data[i] ^ 1 << bit);
		}
	buf_char(text, 'A');
	check(parse_copy(parse, text->data, text->len) != NULL);
	text->len--;
}

/* Content changed under a right check: what matters is that nothing goes out of bounds. Returns
 * how many were taken for good. */
static inline int check_forged(
	parse_and_use *parse, const char *kind, const struct buf *text, struct random *r, int count)
{
	int good = 0;

	for (int i = 0; i < count; i++) {
		struct buf content = {0}, forged = {0};

		check(packed_open(&content, kind, text->data, text->len) == NULL);
		for (uint64_t n = random_below(r, 4); content.len && n < 4; n++)
			content.data[random_below(r, content.len)] ^=
				(char)(1 << random_below(r, 8));
		content.len -= random_below(r, 4) ? 0 : random_below(r, content.len + 1);
		packed_seal(&content, kind, &forged);
		good += parse_copy(parse, forged.data, forged.len) == NULL;
		buf_release(&forged);
		buf_release(&content);
	}
	return good;
}

#endif
