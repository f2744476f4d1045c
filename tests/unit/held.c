#include "tool/held.h"

#include <string.h>

#include "test.h"

#define I "0123456789abcdef0123456789abcdef"

static bool read_text(const char *text, struct held *h)
{
	json_t *from = json_loads(text, JSON_DECODE_ANY, NULL);
	bool is_one = held_read(from, h);

	json_decref(from);
	return is_one;
}

void test_read(void)
{
	struct held h;

	check(read_text("{\"incarnation\":\"" I "\",\"epoch\":9223372036854775807,"
			"\"run\":\"00000000000000ff\",\"later\":[]}",
		&h));
	check(h.is_there);
	check_text(h.incarnation, I);
	check(h.at.number == INT64_MAX);
	check(h.at.run == 255);
}

void test_nothing(void)
{
	struct held h;

	check(read_text("{}", &h));
	check(!h.is_there);
	check(read_text("{\"later\":1}", &h));
	check(!h.is_there);
}

void test_malformed(void)
{
	static const char *const texts[] = {
		"[]",
		"null",
		"{\"epoch\":1}",
		"{\"epoch\":1,\"run\":\"00000000000000ff\"}",
		"{\"incarnation\":\"" I "\",\"epoch\":-1,\"run\":\"00000000000000ff\"}",
		"{\"incarnation\":\"" I "\",\"epoch\":\"1\",\"run\":\"00000000000000ff\"}",
		"{\"incarnation\":\"" I "\",\"epoch\":1,\"run\":\"00000000000000f\"}",
		"{\"incarnation\":\"" I "\",\"epoch\":1,\"run\":\"00000000000000fff\"}",
		"{\"incarnation\":\"" I "\",\"epoch\":1,\"run\":\"00000000000000FF\"}",
		"{\"incarnation\":\"" I "0\",\"epoch\":1,\"run\":\"00000000000000ff\"}",
		"{\"incarnation\":\"0123\",\"epoch\":1,\"run\":\"00000000000000ff\"}",
	};
	struct held h;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		check(!read_text(texts[i], &h));
}

void test_written_as_read(void)
{
	struct held h = {.is_there = true, .at = {42, 0x8f3ab2c49d01e657}}, back;
	json_t *message, *nothing;

	memcpy(h.incarnation, I, sizeof(I));
	message = held_json(&h);
	check_text(json_string_value(json_object_get(message, "run")), "8f3ab2c49d01e657");
	check(held_read(message, &back) && back.at.run == h.at.run && back.at.number == 42);
	json_decref(message);
	h.is_there = false;
	nothing = held_json(&h);
	check_int((long long)json_object_size(nothing), 0);
	json_decref(nothing);
}
