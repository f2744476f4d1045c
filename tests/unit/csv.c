/* Rows of CSV into records: what the RFC allows and forbids, and how values are typed. */
#include "record/csv.h"
#include "test.h"

/* Feeds a line without its newline. */
static enum row_state feed(struct csv_rows *c, const char *line)
{
	static char text[512];

	snprintf(text, sizeof(text), "%s\n", line);
	return csv_rows_line(c, text, strlen(line));
}

static const char *record(struct csv_rows *c)
{
	check_int(c->record.data[c->record.len], '\n');
	c->record.data[c->record.len] = '\0';
	return c->record.data;
}

static void begin(struct csv_rows *c, const char *header, bool typed)
{
	csv_rows_init(c, ',', typed, 100);
	check_int(feed(c, header), ROW_HEADER);
}

void test_columns_give_the_keys_in_order(void)
{
	struct csv_rows c;

	begin(&c, "b, a ,\"x \"\"y\"\"\"", false);
	check_int(feed(&c, "1, 2 ,\"3,\"\"\""), ROW_RECORD);
	check_text(record(&c), "{\"b\":\"1\",\" a \":\" 2 \",\"x \\\"y\\\"\":\"3,\\\"\"}");
	check_int(feed(&c, ",,"), ROW_RECORD);
	check_text(record(&c), "{\"b\":\"\",\" a \":\"\",\"x \\\"y\\\"\":\"\"}");
	csv_rows_release(&c);
}

void test_a_row_goes_on_inside_of_quotes(void)
{
	struct csv_rows c;

	begin(&c, "a,b", false);
	check_int(feed(&c, "\"one\r"), ROW_OPEN);
	check_int(feed(&c, ""), ROW_OPEN);
	check_int(feed(&c, "\r"), ROW_OPEN);
	check_int(feed(&c, "two\",3\r"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"one\\r\\n\\n\\r\\ntwo\",\"b\":\"3\"}");
	check_int(c.len, strlen("\"one\r\n\n\r\ntwo\",3\r"));
	check(memcmp(c.bytes, "\"one\r\n\n\r\ntwo\",3\r", c.len) == 0);
	csv_rows_release(&c);
}

void test_only_the_carriage_return_at_a_rows_end_is_dropped(void)
{
	struct csv_rows c;

	begin(&c, "a,b\r", false);
	check_int(feed(&c, "\r1\r,\r2 \r\r"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"\\r1\\r\",\"b\":\"\\r2 \\r\"}");
	check_int(feed(&c, "1,\"2\"\r"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"1\",\"b\":\"2\"}");
	check_int(feed(&c, "1,\r"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"1\",\"b\":\"\"}");
	check_int(feed(&c, "\r"), ROW_BLANK);
	check_int(feed(&c, ""), ROW_BLANK);
	csv_rows_release(&c);
}

void test_ragged_rows_are_bad(void)
{
	struct csv_rows c;

	begin(&c, "a,b", false);
	check_int(feed(&c, "1"), ROW_BAD);
	check_text(buf_string(&c.why), "fields in the row: 1, in the header: 2");
	check_int(feed(&c, "1,2,3,"), ROW_BAD);
	check_text(buf_string(&c.why), "fields in the row: 4, in the header: 2");
	check_int(feed(&c, "1,2"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"1\",\"b\":\"2\"}");
	csv_rows_release(&c);
}

void test_bad_quoting_ends_with_its_line(void)
{
	struct csv_rows c;

	begin(&c, "a,b", false);
	check_int(feed(&c, "1\",2"), ROW_BAD);
	check_text(buf_string(&c.why), "a quote inside of a field without quotes at column 2");
	check_int(feed(&c, "\"1\" ,2"), ROW_BAD);
	check_text(buf_string(&c.why), "text behind a closing quote at column 4");
	check_int(feed(&c, "\"1"), ROW_OPEN);
	check_int(feed(&c, "\"x,\"2"), ROW_BAD);
	check_int(c.len, strlen("\"1\n\"x,\"2"));
	check_int(feed(&c, "1,2"), ROW_RECORD);
	csv_rows_release(&c);
}

void test_a_quote_that_is_never_closed(void)
{
	struct csv_rows c;

	begin(&c, "a", false);
	check(!csv_rows_abandon(&c));
	check_int(feed(&c, "\"1"), ROW_OPEN);
	check_int(feed(&c, "2"), ROW_OPEN);
	check(csv_rows_abandon(&c));
	check_text(buf_string(&c.why), "a quote that is never closed");
	check_int(c.len, 4);
	check(memcmp(c.bytes, "\"1\n2", 4) == 0);
	check(!csv_rows_abandon(&c));
	check_int(feed(&c, "3"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"3\"}");
	csv_rows_release(&c);
}

void test_a_row_over_several_lines_is_bounded(void)
{
	static const char forty[] = "0123456789012345678901234567890123456789";
	struct csv_rows c;

	begin(&c, "a", false);
	check_int(feed(&c, "\""), ROW_OPEN);
	check_int(feed(&c, forty), ROW_OPEN);
	check_int(feed(&c, forty), ROW_OPEN);
	check_int(feed(&c, forty), ROW_BAD);
	check(c.too_long);
	check_int(c.len, 1 + 3 * 41);
	check_int(feed(&c, "1"), ROW_RECORD);
	check(!c.too_long);
	csv_rows_release(&c);
}

void test_a_record_is_bounded_as_well(void)
{
	struct csv_rows c;

	begin(&c, "a", false);
	/* 60 bytes that are 120 in JSON */
	check_int(feed(&c, "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
			   "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"),
		ROW_BAD);
	check(!c.too_long);
	check_text(buf_string(&c.why), "as a record longer than --max-record (100 bytes)");
	csv_rows_release(&c);
}

void test_bytes_that_are_not_utf8(void)
{
	struct csv_rows c;

	begin(&c, "a", false);
	check_int(feed(&c, "caf\xe9"), ROW_BAD);
	check_text(buf_string(&c.why), "not UTF-8");
	check_int(feed(&c, "\"\xc3"), ROW_OPEN);
	check_int(feed(&c, "\xa9\""), ROW_BAD);
	check_int(feed(&c, "caf\xc3\xa9"), ROW_RECORD);
	check_text(record(&c), "{\"a\":\"caf\xc3\xa9\"}");
	csv_rows_release(&c);
}

void test_headers_that_cannot_be_used(void)
{
	static const struct {
		const char *header, *why;
	} table[] = {
		{"a,b,a", "columns 1 and 3 are both named 'a'"},
		{"a,,b", "column 2 has no name"},
		{"a,\"\"", "column 2 has no name"},
		{"a,$dd", "column 2 is named $dd, which is reserved"},
		{"a,b\"", "a quote inside of a field without quotes at column 4"},
		{"a,\xff", "not UTF-8"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct csv_rows c;

		csv_rows_init(&c, ',', false, 100);
		check_int(feed(&c, table[i].header), ROW_BAD);
		check_text(buf_string(&c.why), table[i].why);
		check(c.wants_header);
		csv_rows_release(&c);
	}
}

void test_each_input_has_its_header(void)
{
	struct csv_rows c;

	begin(&c, "a", false);
	check_int(feed(&c, "\"1"), ROW_OPEN);
	csv_rows_begin(&c, '\t');
	check_int(feed(&c, "x,y\tz"), ROW_HEADER);
	check_int(feed(&c, "1,\t2"), ROW_RECORD);
	check_text(record(&c), "{\"x,y\":\"1,\",\"z\":\"2\"}");
	csv_rows_release(&c);
}

void test_columns_by_name(void)
{
	struct csv_rows c;

	csv_rows_init(&c, '\t', false, 100);
	check(!csv_rows_columns(&c, "\"a,b\",c"));
	for (int i = 0; i < 2; i++) {
		csv_rows_begin(&c, '\t');
		check_int(feed(&c, "1\t2"), ROW_RECORD);
		check_text(record(&c), "{\"a,b\":\"1\",\"c\":\"2\"}");
	}
	check_int(feed(&c, "1"), ROW_BAD);
	check_text(buf_string(&c.why), "fields in the row: 1, in --columns: 2");
	csv_rows_release(&c);
}

void test_column_lists_that_cannot_be_used(void)
{
	static const char *const lists[] = {"", "a,", "a,a", "a\"", "\"a", "\xff"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct csv_rows c;

		csv_rows_init(&c, ',', false, 100);
		check(csv_rows_columns(&c, lists[i]));
		csv_rows_release(&c);
	}
}

void test_types(void)
{
	static const struct {
		const char *field, *value;
	} table[] = {
		{"", "null"},
		{"1", "1"},
		{"-0", "-0"},
		{" 1.10\t", "1.10"},
		{"\" 7 \"", "7"},
		{"12345678901234567890", "12345678901234567890"},
		{"1e5", "1e5"},
		{"-1.5E-07", "-1.5E-07"},
		{"1E+2", "1E+2"},
		{"0.0", "0.0"},
		{"true", "true"},
		{"false ", "false"},
		{"007", "\"007\""},
		{"00", "\"00\""},
		{"-01", "\"-01\""},
		{"1.", "\"1.\""},
		{".5", "\".5\""},
		{"+1", "\"+1\""},
		{"-", "\"-\""},
		{"1e", "\"1e\""},
		{"1e+", "\"1e+\""},
		{"1 2", "\"1 2\""},
		{"0x10", "\"0x10\""},
		{"NaN", "\"NaN\""},
		{"True", "\"True\""},
		{"null", "\"null\""},
		{" ", "\" \""},
		{" x ", "\" x \""},
		{"truer", "\"truer\""},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct csv_rows c;
		char row[64], want[64];

		begin(&c, "a,v", true);
		snprintf(row, sizeof(row), "1,%s", table[i].field);
		snprintf(want, sizeof(want), "{\"a\":1,\"v\":%s}", table[i].value);
		check_int(feed(&c, row), ROW_RECORD);
		check_text(record(&c), want);
		csv_rows_release(&c);
	}
}
