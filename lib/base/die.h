/*
 * How a program of the toolkit stops for an error, and how it warns.
 *
 * Messages are lower case, quote the culprit, carry no full stop; the program's name is put before
 * them. Exit statuses are those of <sysexits.h>.
 */
#ifndef DIE_H
#define DIE_H

#include <sysexits.h>

/* Takes the name from argv[0], without its directory. Borrows the string for the whole run. */
void program_name_set(const char *argv0);
const char *program_name(void);

/* Prints "name: message" on stderr, runs the last words, exits with status. */
void die(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/*
 * As die, with ": " and the text of errno behind the message. The status follows errno where errno
 * says more than the caller knows: EACCES and EPERM exit with EX_NOPERM, all others with status.
 */
void die_errno(int status, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* Prints "name: message" on stderr and goes on. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Called once by the first die, with its status and message, before the process exits: a stage
 * tells its neighbours there why it stops. A die inside of it exits at once.
 */
void die_last_words(void (*speak)(int status, const char *why));

#endif
