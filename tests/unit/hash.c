#include "base/hash.h"

#include "random.h"
#include "test.h"

/* As XXH3 gives it piece by piece, which is another way through it. */
static uint64_t by_pieces(const char *bytes, size_t len)
{
	XXH3_state_t *state = XXH3_createState();
	uint64_t hash;

	XXH3_64bits_reset(state);
	for (size_t at = 0; at < len; at += 100)
		XXH3_64bits_update(state, bytes + at, len - at < 100 ? len - at : 100);
	hash = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return hash;
}

void test_every_length(void)
{
	static char bytes[6000];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)random_below(256);
	for (size_t len = 0; len < 5000; len++) {
		size_t at = random_below(1000);

		check(hash_bytes(bytes + at, len) == by_pieces(bytes + at, len));
	}
}

/* Kept on disk and compared between programs: as xxhsum -H3 has it. */
void test_known(void)
{
	static const char text[] = "ddpipe";
	static char many[3000];

	for (size_t i = 0; i < sizeof(many); i++)
		many[i] = text[i % 6];
	check(hash_bytes("", 0) == UINT64_C(0x2d06800538d394c2));
	check(hash_bytes(many, 149) == UINT64_C(0xdbe0e375e0851a5d));
	check(hash_bytes(many, 240) == UINT64_C(0x7ca23bc2d3c54221));
	check(hash_bytes(many, 241) == UINT64_C(0x90897dcebd0b2328));
	check(hash_bytes(many, sizeof(many)) == UINT64_C(0xd865f5883288d64e));
}
