#include "flow/packed.h"

#include "test.h"

void test_what_is_sealed_is_opened(void)
{
	char bytes[300];
	struct buf content = {0}, text = {0}, back = {0};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	for (size_t len = 0; len < sizeof(bytes); len++) {
		buf_clear(&content);
		buf_clear(&text);
		buf_clear(&back);
		buf_add(&content, bytes, len);
		packed_seal(&content, "some.1", &text);
		check(packed_open(&back, "some.1", text.data, text.len) == NULL);
		check_int(back.len, len);
		check(memcmp(back.data, bytes, len) == 0);
	}
	buf_release(&content);
	buf_release(&text);
	buf_release(&back);
}

/* As `base64 -w0 | tr +/ -_ | tr -d =` writes it. */
void test_the_text_is_base64url(void)
{
	static const unsigned char bytes[] = {0xfb, 0xff, 0x7f, 0x80, 0x01, 0x02};
	static const char *const encoded[] = {
		"", "-w", "-_8", "-_9_", "-_9_gA", "-_9_gAE", "-_9_gAEC"};

	for (size_t len = 2; len <= sizeof(bytes); len++) {
		struct buf content = {0}, text = {0};

		buf_add(&content, bytes, len);
		packed_seal(&content, "x.1", &text);
		/* four bytes of check follow, which change the last digit of what has no third */
		check_int(text.len, 4 + (8 * (len + 4) + 5) / 6);
		check(memcmp(text.data, "x.1.", 4) == 0);
		check(memcmp(text.data + 4, encoded[len], len * 8 / 6) == 0);
		buf_release(&content);
		buf_release(&text);
	}
}

static void check_refused(const char *text, size_t len, const char *why)
{
	struct buf content = {0};

	check_text(packed_open(&content, "a.1", text, len), why);
	buf_release(&content);
}

void test_texts_of_other_kinds(void)
{
	check_refused("a.2.AAAAAA", 10, "not a sketch of this kind and version");
	check_refused("a.1", 3, "not a sketch of this kind and version");
	check_refused("a.11.AAAAAA", 11, "not a sketch of this kind and version");
	check_refused("a.1.", 4, "damaged sketch");
	check_refused("a.1.AAAA AAA", 12, "damaged sketch");
	check_refused("a.1.AAAA\0AAA", 12, "damaged sketch");
}
