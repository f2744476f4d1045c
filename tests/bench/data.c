/*
 * The data of the benchmarks: orders as lines of JSON, the same bytes for the same arguments on any
 * machine (integers only).
 *
 * usage: data [-u USERS] [-c] [-e SECONDS] [-d PERCENT] [-l PERCENT] [-s SEED] KIND RECORDS
 *
 * KIND is small (about 149 bytes: id time user type amount status page), mixed (the same members in
 * one of eight shapes) or nested (about 2 KB: id type actor.login items payment.amount note time).
 *
 *   -u  users, 100,000; the k-th comes with a frequency of 1/k (Zipf)
 *   -c  users come in turn instead, in an order that looks random: each once in USERS records
 *   -e  seconds of event time, 43,200 (12 hours), through which the records go evenly
 *   -d  so many are redelivered, 10: the bytes of a record of about the last half minute
 *   -l  so many are out of order, 5: their time is up to 5 minutes back
 *
 * So no record is more than 5 minutes behind the newest before it, and none more than 6 with those
 * that are redelivered. Times are UTC with ms from 2026-05-01 on. Amounts have two decimals,
 * always.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { START_S = 1777593600, BACK_MS = 300000, ROOM = 8192, REMEMBERED_MAX = 10000 };

enum kind { SMALL, MIXED, NESTED };

static struct {
	enum kind kind;
	uint64_t records, users, span_ms, seed;
	uint32_t redelivered, late; /* percent */
	bool in_turn;
} conf = {
	.users = 100000,
	.span_ms = 43200000,
	.seed = 1,
	.redelivered = 10,
	.late = 5,
};

/* What was sent lately for the first time. */
struct memory {
	char *lines; /* of `each` bytes */
	uint32_t *lens;
	uint64_t room, count;
	size_t each;
};

/* Walker's alias method in integers: user k has weight 2^32 / k of total. */
struct zipf {
	uint64_t total;
	uint64_t *own; /* of each column, times the number of users */
	uint32_t *other;
};

static uint64_t state;

static void *allocate(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (!p) {
		fprintf(stderr, "data: no memory\n");
		exit(EX_OSERR);
	}
	return p;
}

/* A bijection of 64-bit numbers (the finalizer of splitmix64). */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint64_t draw(void)
{
	return mixed(state += 0x9e3779b97f4a7c15u);
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(((draw() >> 32) * n) >> 32);
}

static bool chance(uint32_t percent)
{
	return below(100) < percent;
}

static void zipf_init(struct zipf *z, uint32_t users)
{
	uint32_t *small = allocate(users, sizeof(*small)), *large = allocate(users, sizeof(*large));
	uint32_t smalls = 0, larges = 0;

	*z = (struct zipf){0, allocate(users, sizeof(*z->own)), allocate(users, sizeof(*z->other))};
	for (uint32_t k = 0; k < users; k++)
		z->total += ((uint64_t)1 << 32) / (k + 1);
	for (uint32_t k = 0; k < users; k++) {
		z->own[k] = ((uint64_t)1 << 32) / (k + 1) * users;
		if (z->own[k] < z->total)
			small[smalls++] = k;
		else
			large[larges++] = k;
	}
	while (smalls && larges) {
		uint32_t s = small[--smalls], l = large[larges - 1];

		z->other[s] = l;
		z->own[l] -= z->total - z->own[s];
		if (z->own[l] < z->total) {
			larges--;
			small[smalls++] = l;
		}
	}
	free(small);
	free(large);
}

static uint32_t zipf_draw(const struct zipf *z, uint32_t users)
{
	uint32_t k = below(users);

	return draw() % z->total < z->own[k] ? k : z->other[k];
}

/* Users in turn: 7,368,787 is a prime, so this goes through all of them unless it divides USERS. */
static uint32_t in_turn(uint64_t i)
{
	return (uint32_t)(i % conf.users * 7368787 % conf.users);
}

static char *text(char *p, const char *s)
{
	size_t len = strlen(s);

	memcpy(p, s, len);
	return p + len;
}

static char *digits(char *p, uint64_t n, int width)
{
	for (int i = width - 1; i >= 0; i--, n /= 10)
		p[i] = (char)('0' + n % 10);
	return p + width;
}

static char *number(char *p, uint64_t n)
{
	int width = 1;

	for (uint64_t rest = n; rest >= 10; rest /= 10)
		width++;
	return digits(p, n, width);
}

static char *cents(char *p, uint32_t n)
{
	p = number(p, n / 100);
	*p++ = '.';
	return digits(p, n % 100, 2);
}

static char *hex(char *p, uint64_t n)
{
	for (int i = 60; i >= 0; i -= 4)
		*p++ = "0123456789abcdef"[n >> i & 15];
	return p;
}

static char *instant(char *p, uint64_t ms)
{
	static uint64_t known = UINT64_MAX;
	static char date[16];
	uint64_t day = ms / 86400000, rest = ms % 86400000;

	if (day != known) {
		time_t s = (time_t)(START_S + day * 86400);
		struct tm tm;

		strftime(date, sizeof(date), "%Y-%m-%dT", gmtime_r(&s, &tm));
		known = day;
	}
	p = text(p, date);
	p = digits(p, rest / 3600000, 2);
	*p++ = ':';
	p = digits(p, rest / 60000 % 60, 2);
	*p++ = ':';
	p = digits(p, rest / 1000 % 60, 2);
	*p++ = '.';
	p = digits(p, rest % 1000, 3);
	return text(p, "Z");
}

struct order {
	uint64_t id, time_ms;
	uint32_t user;
};

static char *identity(char *p, const struct order *o)
{
	p = text(p, "{\"id\":\"");
	return hex(p, o->id);
}

static char *member_user(char *p, const struct order *o)
{
	p = text(p, "\",\"user\":\"u");
	return digits(p, o->user, 8);
}

static char *member_time(char *p, const struct order *o)
{
	p = text(p, "\",\"time\":\"");
	return instant(p, o->time_ms);
}

static char *small_record(char *p, const struct order *o)
{
	static const char *const types[] = {"view", "click", "search", "purchase"};
	static const char *const states[] = {"200", "200", "302", "404"};

	p = member_user(member_time(identity(p, o), o), o);
	p = text(p, "\",\"type\":\"");
	p = text(p, types[below(4)]);
	p = text(p, "\",\"amount\":");
	p = cents(p, below(100000));
	p = text(p, ",\"status\":");
	p = text(p, states[below(4)]);
	p = text(p, ",\"page\":\"/articles/");
	p = number(p, below(100000));
	return text(p, "\"}\n");
}

/* Time and user change places, a member may be missing, another one may be there. */
static char *mixed_record(char *p, const struct order *o)
{
	uint32_t shape = below(8);

	p = identity(p, o);
	p = shape & 1 ? member_time(member_user(p, o), o) : member_user(member_time(p, o), o);
	p = text(p, shape & 2 ? "\",\"type\":\"view\",\"amount\":" : "\",\"amount\":");
	p = cents(p, below(100000));
	if (shape & 4)
		p = text(p, ",\"referrer\":null,\"status\":200");
	p = text(p, ",\"page\":\"/articles/");
	p = number(p, below(100000));
	return text(p, "\"}\n");
}

static char *item(char *p)
{
	p = text(p, "{\"sku\":\"sku-");
	p = number(p, below(1000000));
	p = text(p, "\",\"title\":\"A thing that is sold by the dozen\",\"price\":");
	p = cents(p, below(10000));
	p = text(p, ",\"count\":");
	p = number(p, 1 + below(12));
	p = text(p, ",\"tags\":[\"new\",\"sale\",null,true],\"stock\":{\"berlin\":");
	p = number(p, below(500));
	p = text(p, ",\"paris\":");
	p = number(p, below(500));
	return text(p, "}}");
}

static char *nested_record(char *p, const struct order *o)
{
	uint32_t items = 9 + below(6);

	p = identity(p, o);
	p = text(p, "\",\"type\":\"order\",\"actor\":{\"login\":\"u");
	p = digits(p, o->user, 8);
	p = text(p, "\",\"admin\":false,\"address\":{\"street\":\"Gr\\u00fcner Weg ");
	p = number(p, below(200));
	p = text(p, "\",\"city\":\"Malm\xc3\xb6\"}},\"items\":[");
	for (uint32_t i = 0; i < items; i++) {
		if (i)
			*p++ = ',';
		p = item(p);
	}
	p = text(p, "],\"payment\":{\"currency\":\"EUR\",\"amount\":");
	p = cents(p, below(100000));
	p = text(p, "},\"note\":\"Leave it with the neighbours,\\nor at the \\\"blue\\\" door");
	p = member_time(p, o);
	return text(p, "\"}\n");
}

static char *record(char *p, const struct order *o)
{
	switch (conf.kind) {
	case SMALL:
		return small_record(p, o);
	case MIXED:
		return mixed_record(p, o);
	case NESTED:
		break;
	}
	return nested_record(p, o);
}

static void memory_init(struct memory *m)
{
	uint64_t half_minute = conf.span_ms ? conf.records * 30000 / conf.span_ms : 1;

	m->room = half_minute < 1 ? 1 : half_minute > REMEMBERED_MAX ? REMEMBERED_MAX : half_minute;
	m->each = conf.kind == NESTED ? 4096 : 256;
	m->lines = allocate(m->room, m->each);
	m->lens = allocate(m->room, sizeof(*m->lens));
	m->count = 0;
}

static void memory_add(struct memory *m, const char *line, size_t len)
{
	uint64_t slot = m->count++ % m->room;

	memcpy(m->lines + slot * m->each, line, len);
	m->lens[slot] = (uint32_t)len;
}

static const char *memory_draw(const struct memory *m, size_t *len)
{
	uint64_t slot = below((uint32_t)(m->count < m->room ? m->count : m->room));

	*len = m->lens[slot];
	return m->lines + slot * m->each;
}

/* span_ms * i / records, where the product has more than 64 bits. */
static uint64_t elapsed_ms(uint64_t i)
{
	uint64_t whole = conf.span_ms / conf.records, rest = conf.span_ms % conf.records;

	/* records are at most 10^9 < 2^30, so each product fits */
	return whole * i + (rest * (i >> 20) / conf.records << 20) +
	       (((rest * (i >> 20) % conf.records) << 20) + rest * (i & 0xfffff)) / conf.records;
}

static void generate(FILE *out)
{
	struct memory sent;
	struct zipf zipf = {0};
	char line[ROOM];

	state = mixed(conf.seed);
	memory_init(&sent);
	if (!conf.in_turn)
		zipf_init(&zipf, (uint32_t)conf.users);
	for (uint64_t i = 0; i < conf.records; i++) {
		struct order o = {.id = mixed(conf.seed << 48 ^ i)};
		const char *from = line;
		size_t len;

		if (chance(conf.redelivered) && sent.count > 0) {
			from = memory_draw(&sent, &len);
		} else {
			o.time_ms = elapsed_ms(i);
			if (chance(conf.late)) {
				uint32_t back = below(BACK_MS);

				o.time_ms -= back < o.time_ms ? back : o.time_ms;
			}
			o.user = conf.in_turn ? in_turn(i) : zipf_draw(&zipf, (uint32_t)conf.users);
			len = (size_t)(record(line, &o) - line);
			memory_add(&sent, line, len);
		}
		fwrite(from, 1, len, out);
	}
	free(sent.lines);
	free(sent.lens);
	free(zipf.own);
	free(zipf.other);
}

static _Noreturn void usage(void)
{
	fprintf(stderr, "usage: data [-u USERS] [-c] [-e SECONDS] [-d PERCENT] [-l PERCENT] "
			"[-s SEED] small|mixed|nested RECORDS\n");
	exit(EX_USAGE);
}

static uint64_t argument(const char *word, uint64_t max)
{
	char *end;
	uint64_t n = strtoull(word, &end, 10);

	if (*word < '0' || *word > '9' || *end || n > max)
		usage();
	return n;
}

static enum kind kind_of(const char *word)
{
	static const char *const names[] = {"small", "mixed", "nested"};

	for (int i = 0; i < 3; i++)
		if (!strcmp(word, names[i]))
			return (enum kind)i;
	usage();
}

int main(int argc, char **argv)
{
	static char buffer[1 << 18];
	int option;

	while ((option = getopt(argc, argv, "u:ce:d:l:s:")) != -1) {
		switch (option) {
		case 'u':
			conf.users = argument(optarg, 99999999);
			break;
		case 'c':
			conf.in_turn = true;
			break;
		case 'e':
			conf.span_ms = argument(optarg, 3000000000) * 1000;
			break;
		case 'd':
			conf.redelivered = (uint32_t)argument(optarg, 100);
			break;
		case 'l':
			conf.late = (uint32_t)argument(optarg, 100);
			break;
		case 's':
			conf.seed = argument(optarg, 65535);
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2 || conf.users == 0)
		usage();
	conf.kind = kind_of(argv[optind]);
	conf.records = argument(argv[optind + 1], 1000000000);
	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	generate(stdout);
	if (fflush(stdout) || ferror(stdout)) {
		perror("data");
		return EX_IOERR;
	}
	return 0;
}
