/*
 * dd-deliver: delivers to a destination named by a URL
 *
 * Records are held in a batch until the destination's helper says what became of each: delivered, a
 * dead letter, or to be sent again. Memory is bounded by the batch. What is sent again is the same
 * bytes; a batch that is refused is halved until the record to blame stands alone.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/die.h"
#include "base/url.h"
#include "tool/commitment.h"
#include "tool/destdir.h"
#include "tool/destfile.h"
#include "tool/desthelper.h"
#include "tool/filter.h"
#include "tool/tabular.h"

static struct {
	const char *url;
	const char *verify; /* a checkpoint directory, instead of delivering */
} conf;

struct deliver {
	struct filter filter;
	struct commitment commitment;
	struct tabular form;
	struct destfile file;
	struct destdir dir;
	struct desthelper helper;
};

/* To stdout: under a checkpoint what was not committed comes again. */

static struct verdict stdout_record(void *state, const struct record *r)
{
	struct deliver *d = state;
	const char *why;

	if (!d->form.is_csv)
		return verdict(PASSED);
	why = tabular_write(&d->form, r, &d->filter.outlet.out);
	if (why)
		return (struct verdict){BAD, why};
	filter_settle(&d->filter, 1);
	return verdict(HELD);
}

static void stdout_prepare(void *state, const struct control *barrier)
{
	struct deliver *d = state;

	(void)barrier;
	outlet_flush(&d->filter.outlet);
}

static const struct handlers stdout_handlers = {.record = stdout_record};
static const struct destination stdout_destination = {.prepare = stdout_prepare};

/* The filter goes on with a destination's own handlers and state. */
static void destination_set(struct deliver *d, const struct handlers *handlers, void *state,
	const struct destination *destination)
{
	d->filter.handlers = handlers;
	d->filter.state = state;
	d->commitment.destination = destination;
}

static void destination_take(struct deliver *d, bool checkpointed)
{
	struct url u;

	if (strcmp(conf.url, "-") == 0)
		return;
	if (url_has_password(conf.url))
		die(EX_USAGE, "a password in the URL, where everybody can see it: "
			      "put it into ~/.netrc");
	if (!url_split(&u, conf.url))
		die(EX_USAGE,
			"'%s' is no URL: it is -, file:PATH, dir:PATH, sqlite:FILE or "
			"http://HOST/PATH",
			conf.url);
	if (url_has_scheme(&u, "file")) {
		destfile_take_url(&d->file, &u, conf.url);
		destination_set(d, checkpointed ? &destfile_checkpointed : &destfile_handlers,
			&d->file, &destfile_destination);
		return;
	}
	if (d->form.is_csv)
		die(EX_USAGE, "--to csv is for a file or stdout: file:PATH or -");
	if (url_has_scheme(&u, "dir")) {
		destdir_take_url(&d->dir, &u, conf.url);
		destination_set(d, checkpointed ? &destdir_checkpointed : &destdir_handlers,
			&d->dir, &destdir_destination);
		return;
	}
	desthelper_find(&d->helper, conf.url, u.scheme, u.scheme_len);
	destination_set(d, checkpointed ? &desthelper_checkpointed : &desthelper_handlers,
		&d->helper, &desthelper_destination);
}

static void verify(const char *dir) __attribute__((noreturn));

static void verify(const char *dir)
{
	struct ledger_report r;
	struct commit commit;
	const char *wrong;
	struct buf why;

	buf_init(&why);
	wrong = ledger_verify(dir, &r, &why);
	if (wrong)
		die(EX_DATAERR, "%s", wrong);
	if (!commit_read(dir, &commit))
		die(EX_DATAERR, "'%s/commit': nothing was committed there", dir);
	if (commit.at.number != r.last.number || commit.at.run != r.last.run)
		die(EX_DATAERR,
			"'%s/commit' names epoch %" PRIu64 ", the ledger ends with epoch %" PRIu64
			": the next start brings it up to the commit",
			dir, commit.at.number, r.last.number);
	printf("%" PRIu64
	       " epochs, each line behind the one before it, up to the commit; what each "
	       "stage put out the next took in; %" PRIu64 " records delivered, %" PRIu64
	       " rejected; gone back %" PRIu64 " times\n",
		r.epochs, r.delivered, r.rejected, r.rewinds);
	commit_release(&commit);
	buf_release(&why);
	if (fflush(stdout) != 0)
		die_errno(EX_IOERR, "cannot write to stdout");
	exit(EX_OK);
}

static void parse(struct deliver *d, int argc, char **argv)
{
	const struct opt own[] = {
		{.group = tabular_options(&d->form)},
		{.group = desthelper_options(&d->helper)},
		{.name = "verify",
			.arg = "DIR",
			.help = "checks the ledger of a checkpoint directory",
			.read = opt_text,
			.to = &conf.verify},
		{.group = commitment_options(&d->commitment)},
		{.name = NULL},
	};
	const struct opt_command command = {
		.purpose = "delivers to a destination named by a URL",
		.operands = "URL",
		.own = own,
		.common = filter_options(&d->filter),
	};
	int operands = opt_parse(&command, argc, argv);

	if (conf.verify && !operands)
		verify(conf.verify);
	if (operands != 1)
		die(EX_USAGE,
			"%s: it is one URL: -, file:PATH, dir:PATH, sqlite:FILE or "
			"http://HOST/PATH",
			operands ? "more than one destination" : "no destination");
	desthelper_check(&d->helper);
	tabular_check(&d->form);
	conf.url = argv[0];
	destination_take(d, d->filter.epochs.dir != NULL);
}

int main(int argc, char **argv)
{
	struct deliver d;
	int status;

	filter_init(&d.filter, FILTER_SINK, "deliver", &stdout_handlers, &d);
	d.filter.passed_word = "delivered";
	commitment_init(&d.commitment, &stdout_destination);
	d.filter.commitment = &d.commitment;
	tabular_init(&d.form, &d.filter);
	destfile_init(&d.file, &d.filter, &d.form);
	destdir_init(&d.dir, &d.filter);
	desthelper_init(&d.helper, &d.filter);
	parse(&d, argc, argv);
	status = filter_run(&d.filter, NULL, 0);
	spooling_tell(&d.helper.spooling);
	desthelper_release(&d.helper);
	destdir_release(&d.dir);
	destfile_release(&d.file);
	tabular_release(&d.form);
	commitment_release(&d.commitment);
	filter_release(&d.filter);
	return status;
}
