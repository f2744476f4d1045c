#include "flow/packed.h"

#include "test.h"

static const uint64_t values[] = {
	0,
	1,
	127,
	128,
	16383,
	16384,
	UINT64_C(1) << 63,
	UINT64_MAX - 1,
	UINT64_MAX,
};

enum { VALUES = sizeof(values) / sizeof(*values) };

void test_what_is_added_is_taken(void)
{
	struct packed p, back;
	struct buf text;
	uint64_t value;

	packed_init(&p);
	for (size_t i = 0; i < VALUES; i++) {
		packed_add(&p, values[i]);
		packed_add_word(&p, values[i]);
	}
	buf_init(&text);
	packed_seal(&p, "some.1", &text);
	check(packed_open(&back, "some.1", text.data, text.len) == NULL);
	for (size_t i = 0; i < VALUES; i++) {
		check(packed_take(&back, &value) && value == values[i]);
		check(packed_take_word(&back, &value) && value == values[i]);
	}
	check(packed_is_empty(&back));
	check(!packed_take(&back, &value) && !packed_take_word(&back, &value));
	packed_release(&p);
	packed_release(&back);
	buf_release(&text);
}

/* As `base64 -w0 | tr +/ -_ | tr -d =` writes it. */
void test_the_text_is_base64url(void)
{
	static const unsigned char bytes[] = {0xfb, 0xff, 0x7f, 0x80, 0x01, 0x02};
	static const char *const encoded[] = {
		"", "-w", "-_8", "-_9_", "-_9_gA", "-_9_gAE", "-_9_gAEC"};

	for (size_t len = 2; len <= sizeof(bytes); len++) {
		struct packed p;
		struct buf text;

		packed_init(&p);
		buf_add(&p.content, bytes, len);
		buf_init(&text);
		packed_seal(&p, "x.1", &text);
		/* four bytes of check follow, which change the last digit of what has no third */
		check_int(text.len, 4 + (8 * (len + 4) + 5) / 6);
		check(memcmp(text.data, "x.1.", 4) == 0);
		check(memcmp(text.data + 4, encoded[len], len * 8 / 6) == 0);
		packed_release(&p);
		buf_release(&text);
	}
}

/* Longer than need be, or beyond 64 bits. */
static const char *const wrong[] = {
	"\x80",
	"\x81\x80\x80",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x01",
};

void test_one_value_has_one_form(void)
{
	struct packed p;
	uint64_t value;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		packed_init(&p);
		/* with the NUL, as a last byte of no bits */
		buf_add(&p.content, wrong[i], strlen(wrong[i]) + (i < 2));
		check(!packed_take(&p, &value));
		packed_release(&p);
	}
}

void test_texts_of_other_kinds(void)
{
	struct packed p;

	check_text(
		packed_open(&p, "a.1", "a.2.AAAAAA", 10), "not a sketch of this kind and version");
	packed_release(&p);
	check_text(packed_open(&p, "a.1", "a.1", 3), "not a sketch of this kind and version");
	packed_release(&p);
	check_text(
		packed_open(&p, "a.1", "a.11.AAAAAA", 11), "not a sketch of this kind and version");
	packed_release(&p);
	check_text(packed_open(&p, "a.1", "a.1.", 4), "damaged sketch");
	packed_release(&p);
	check_text(packed_open(&p, "a.1", "a.1.AAAA AAA", 12), "damaged sketch");
	packed_release(&p);
	check_text(packed_open(&p, "a.1", "a.1.AAAA\0AAA", 12), "damaged sketch");
	packed_release(&p);
}
