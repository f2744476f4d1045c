#include "tool/balance.h"

#include "test.h"

static void check_balance(const struct balance *b, const char *passed_word, const char *want)
{
	struct buf got;

	buf_init(&got);
	balance_text(&got, b, passed_word);
	check_text(buf_string(&got), want);
	buf_release(&got);
}

static void give_reason(struct balance *b, const char *reason, int times)
{
	while (times--)
		balance_reason(b, reason);
}

void test_text(void)
{
	struct balance b = {.in = 0};

	check_balance(&b, "passed", "in 0 = passed 0; out 0");
	b = (struct balance){.in = 12, .passed = 10};
	give_reason(&b, "duplicate", 2);
	check_balance(&b, "passed", "in 12 = passed 10 + duplicate 2; out 10");
	b = (struct balance){.in = 7, .absorbed = 5, .made = 3, .empty = 4};
	give_reason(&b, "late", 1);
	give_reason(&b, "malformed", 1);
	check_balance(&b, "passed",
		"in 7 = absorbed 5 + late 1 + malformed 1; made 3; out 3; empty lines 4");
	b = (struct balance){.in = 9, .passed = 2, .absorbed = 3};
	check_balance(&b, "delivered", "in 9 = delivered 2 + absorbed 3 + unfinished 4; out 2");
	check_int(balance_unfinished(&b), 4);
}

/* Reasons are the same when they say the same. */
void test_reasons(void)
{
	char late[] = "late", copy[] = "late";
	struct balance b = {.in = 3};

	balance_reason(&b, late);
	balance_reason(&b, copy);
	check_int(b.reason_count, 1);
	check_int(b.reasons[0].count, 2);
	balance_reason(&b, "lat");
	check_int(b.reason_count, 2);
	check_int(balance_unfinished(&b), 0);
}

void test_as_many_reasons_as_may_be(void)
{
	static char names[BALANCE_REASONS_MAX][8];
	struct balance b = {.in = BALANCE_REASONS_MAX}, none = {.in = 0};
	json_t *json;

	for (int i = 0; i < BALANCE_REASONS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "r%d", i);
		balance_reason(&b, names[i]);
	}
	check_int(balance_unfinished(&b), 0);
	json = balance_json(&b, &none, "x");
	check_int(json_object_size(json_object_get(json, "reasons")), BALANCE_REASONS_MAX);
	json_decref(json);
}

static void check_json(const struct balance *b, const struct balance *since, const char *want)
{
	json_t *json = balance_json(b, since, "window");
	char *text = json_dumps(json, JSON_COMPACT);

	check_text(text, want);
	free(text);
	json_decref(json);
}

void test_json(void)
{
	struct balance none = {.in = 0};
	struct balance b = {.in = 7,
		.passed = 2,
		.absorbed = 1,
		.made = 3,
		.hash_in = 0x1f,
		.hash_out = UINT64_MAX};

	check_json(&none, &none,
		"{\"name\":\"window\",\"in\":0,\"out\":0,\"made\":0,\"reasons\":{},"
		"\"hash_in\":\"0000000000000000\",\"hash_out\":\"0000000000000000\"}");
	give_reason(&b, "late", 3);
	give_reason(&b, "malformed", 1);
	check_json(&b, &none,
		"{\"name\":\"window\",\"in\":7,\"out\":5,\"made\":3,\"reasons\":{\"late\":3,"
		"\"malformed\":1},\"hash_in\":\"000000000000001f\","
		"\"hash_out\":\"ffffffffffffffff\"}");
}

/* A barrier has what came since the one before it; hashes are sums modulo 2^64. */
void test_json_of_an_epoch(void)
{
	struct balance b = {.in = 7, .passed = 4, .made = 1, .hash_in = UINT64_MAX - 1}, since;

	give_reason(&b, "late", 2);
	give_reason(&b, "malformed", 1);
	since = b;
	check_json(&b, &since,
		"{\"name\":\"window\",\"in\":0,\"out\":0,\"made\":0,\"reasons\":{},"
		"\"hash_in\":\"0000000000000000\",\"hash_out\":\"0000000000000000\"}");
	b.in += 5;
	b.passed += 1;
	b.made += 2;
	b.hash_in += 3;
	b.hash_out += 0x10;
	give_reason(&b, "malformed", 3);
	give_reason(&b, "duplicate", 1);
	check_json(&b, &since,
		"{\"name\":\"window\",\"in\":5,\"out\":3,\"made\":2,\"reasons\":{"
		"\"malformed\":3,\"duplicate\":1},\"hash_in\":\"0000000000000003\","
		"\"hash_out\":\"0000000000000010\"}");
}
