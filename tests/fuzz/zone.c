/* TZif files: any bytes are safe, and a zone that was read answers sensibly for all times. */
#include "flow/zone.h"

#include "replay.h"

static void ask(struct zone *z, int64_t s)
{
	int32_t offset_s = zone_offset(z, s);
	int64_t local_s = s + offset_s, back_s = zone_to_utc(z, local_s);

	must(offset_s > -ZONE_OFFSET_MAX_S && offset_s < ZONE_OFFSET_MAX_S);
	/* of a repeated local time the first instant; one that there is, is never skipped */
	must(back_s <= s && back_s + zone_offset(z, back_s) == local_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct zone z;
	uint64_t x = 88172645463325252u;

	if (zone_parse(&z, bytes, len))
		return 0;
	for (size_t i = 0; i < z.count; i++) {
		must(i == 0 || z.segments[i].from_s > z.segments[i - 1].from_s);
		if (i && i < 200 && z.segments[i].from_s > -(INT64_C(1) << 60) &&
			z.segments[i].from_s < INT64_C(1) << 60)
			for (int64_t d = -7201; d <= 7201; d += 1800)
				ask(&z, z.segments[i].from_s + d);
	}
	for (int i = 0; i < 200; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		ask(&z, (int64_t)x >> (4 + i % 40));
	}
	zone_release(&z);
	return 0;
}
