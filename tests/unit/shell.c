#include "base/shell.h"

#include "test.h"

/* The parts, each with what is known of it: "text" a program, [text] none, * ours. */
static char told[4096];

static const char *split(const char *text)
{
	struct shell_parts parts;
	const char *where = NULL;
	const char *why = shell_split(&parts, text, &where);
	size_t len = 0;

	told[0] = '\0';
	if (why)
		snprintf(told, sizeof(told), "at %d: %s", (int)(where - text), why);
	for (size_t i = 0; !why && i < parts.count; i++) {
		const struct shell_part *p = &parts.list[i];

		len += (size_t)snprintf(told + len, sizeof(told) - len, "%s%c%.*s", i ? "\n" : "",
			p->is_ours     ? '*'
			: p->is_simple ? ' '
				       : '-',
			(int)p->len, p->text);
	}
	shell_release(&parts);
	return told;
}

void test_plain(void)
{
	check_text(split("a"), " a");
	check_text(split(" dd-source a  |\tdd-dedupe -k id|jq ."),
		"*dd-source a\n*dd-dedupe -k id\n jq .");
	check_text(split("a |\n\n b # says c | d\n # and | more\n"), " a\n b");
	check_text(split("a \\\n | b\\\nc"), " a\n b\\\nc");
	check_text(split("a#b | c\\#d"), " a#b\n c\\#d");
	check_text(split("a | # the first\n b"), " a\n b");
}

void test_quotes(void)
{
	check_text(split("a '|' | b \"|\" | c \\| d"), " a '|'\n b \"|\"\n c \\| d");
	check_text(split("jq 'select(.a|.b)' | x"), " jq 'select(.a|.b)'\n x");
	check_text(split("a \"it's | $(b \"|\" | c) \\\" |\" | d"),
		" a \"it's | $(b \"|\" | c) \\\" |\"\n d");
	check_text(split("a '\\' | b"), " a '\\'\n b");
	check_text(split("a \"'\" | b \"'\""), " a \"'\"\n b \"'\"");
	check_text(split("a '#' | b"), " a '#'\n b");
}

void test_expansions(void)
{
	check_text(split("a $(b | c) | d"), " a $(b | c)\n d");
	check_text(split("a $(b \")\" ')' \\) | c) | d"), " a $(b \")\" ')' \\) | c)\n d");
	check_text(split("a `b | \\`c | d\\`` | e"), " a `b | \\`c | d\\``\n e");
	check_text(split("a ${b:-|} | c"), " a ${b:-|}\n c");
	check_text(split("a \"${b:-\"|}\"}\" | c"), " a \"${b:-\"|}\"}\"\n c");
	check_text(split("a $((1<<2|4)) | b $(( (1|2) << 3 ))"),
		" a $((1<<2|4))\n b $(( (1|2) << 3 ))");
	check_text(split("a $( (b | c) | d) | e"), " a $( (b | c) | d)\n e");
	check_text(split("a $((b | c) | d) | e"), " a $((b | c) | d)\n e");
	check_text(split("a $ | b$"), " a $\n b$");
	check_text(split("a $(case x in a|b) c;; (d) e;; esac | f) | g"),
		" a $(case x in a|b) c;; (d) e;; esac | f)\n g");
	check_text(split("a $(b # )\n) | c"), " a $(b # )\n)\n c");
}

void test_groups(void)
{
	check_text(split("(a | b; c) 2>&1 | d"), "-(a | b; c) 2>&1\n d");
	check_text(split("{ a | b; } >x | c"), "-{ a | b; } >x\n c");
	check_text(split("{ a; (b) } | c"), "-{ a; (b) }\n c");
	check_text(split("{ { a|b; }; } | { c }; }"), "-{ { a|b; }; }\n-{ c }; }");
	check_text(split("{ while read x; do echo $x | y; done } | c"),
		"-{ while read x; do echo $x | y; done }\n c");
	check_text(split("{ if a; then b | c; fi; case x in a|b) c | d;; esac; } | e"),
		"-{ if a; then b | c; fi; case x in a|b) c | d;; esac; }\n e");
	check_text(split("{ f() { a | b; }; f; } | c"), "-{ f() { a | b; }; f; }\n c");
	check_text(split("{ echo } | b; } | c"), "-{ echo } | b; }\n c");
	check_text(split("find {} \\; | a {b,c}"), " find {} \\;\n a {b,c}");
}

void test_programs(void)
{
	check_text(split("cd x | read y | :"), "-cd x\n-read y\n-:");
	check_text(split("A=1 | >x"), "-A=1\n->x");
	check_text(split("/usr/bin/dd-source a | \"$B\"/dd-window | \"dd-batch\" | cat dd-source"),
		"*/usr/bin/dd-source a\n*\"$B\"/dd-window\n*\"dd-batch\"\n cat dd-source");
	check_text(split("nice -n 5 dd-source x | add-source | dd-"),
		"*nice -n 5 dd-source x\n add-source\n dd-");
}

static const char *program(const char *text)
{
	struct shell_parts parts;
	const char *where;

	check(!shell_split(&parts, text, &where));
	check(parts.count == 1 && parts.list[0].is_simple);
	where = parts.list[0].text + parts.list[0].program;
	shell_release(&parts);
	return where;
}

void test_where_the_program_begins(void)
{
	check_text(program("a b"), "a b");
	check_text(program(" A=1 B='x y' C=$(d | e) prog x"), "prog x");
	check_text(program("<in 2>err A=1 >out prog"), "prog");
	check_text(program("2>&1 prog 3>x"), "prog 3>x");
	check_text(program("1A=1 x"), "1A=1 x");
	check_text(program("=1 x"), "=1 x");
}

void test_redirections(void)
{
	check_text(split("a >|b | c 2>&1 <>d"), " a >|b\n c 2>&1 <>d");
	check_text(split("a >'x|y' | b"), " a >'x|y'\n b");
}

void test_no_pipeline(void)
{
	check_text(split(""), "at 0: nothing stands there");
	check_text(split(" # a"), "at 4: nothing stands there");
	check_text(split("| a"), "at 0: nothing stands before this |");
	check_text(split("a | | b"), "at 4: nothing stands before this |");
	check_text(split("a | "), "at 4: nothing stands there");
	check(strstr(split("a || b"), "at 2: && and || join pipelines"));
	check(strstr(split("a && b"), "at 2: && and || join pipelines"));
	check(strstr(split("a |& b"), "at 2: a & does not belong in it"));
	check(strstr(split("a | b &"), "at 6: a & does not belong in it"));
	check(strstr(split("a; b"), "at 1: a ; ends a pipeline"));
	check(strstr(split("a\nb"), "at 2: a new line begins another pipeline"));
	check(strstr(split("a\n| b"), "at 2: a new line"));
	check(strstr(split("a <<E | b\nE\n"), "at 2: a here-document"));
	check(strstr(split("{ a <<E; } | b"), "at 4: a here-document"));
	check(strstr(split("while a; do b; done | c"), "at 0: a compound command must stand in {"));
	check(strstr(split("! a | b"), "at 0: ! can't"));
	check(strstr(split("f() { a; }"), "at 1: a ( can't stand in a command"));
	check(strstr(split("{ a; } b"), "at 7: only redirections may stand behind a group"));
	check(strstr(split("a > | b"), "at 4: a redirection wants a file"));
}

void test_not_closed(void)
{
	check_text(split("a 'b | c"), "at 2: a ' is not closed");
	check_text(split("a | b \"c | d"), "at 6: a \" is not closed");
	check_text(split("a `b"), "at 2: a ` is not closed");
	check_text(split("a ${b"), "at 2: a ${ is not closed");
	check(strstr(split("a $(b | 'c'"), "a ( is not closed"));
	check(strstr(split("{ a | b }"), "at 0: a { is not closed"));
	check(strstr(split("( a | b"), "at 0: a ( is not closed"));
	check(strstr(split("a ) | b"), "at 2: a ) closes nothing"));
	check(strstr(split("{ a ) }"), "a ) closes nothing"));
	check(strstr(split("a $'b'"), "at 2: $' is read by some shells only"));
}

void test_depth(void)
{
	static char deep[100000];

	for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
		memcpy(deep + i, "$(", 2);
	check(strstr(split(deep), "nested too deep"));
	memset(deep, '(', sizeof(deep) - 1);
	check(strstr(split(deep), "nested too deep"));
	for (size_t i = 0; i + 3 < sizeof(deep); i += 3)
		memcpy(deep + i, "${\"", 3);
	check(strstr(split(deep), "nested too deep"));
}
