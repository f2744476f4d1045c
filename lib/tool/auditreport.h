/* What dd-run --check says of a checkpoint directory, as it is found out. */
#ifndef AUDITREPORT_H
#define AUDITREPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "state/checkpoint.h"

struct audit {
	const char *dir;
	struct buf report;
	uint64_t damaged;
	uint64_t inconsistent;
	char incarnation[INCARNATION_DIGITS + 1]; /* empty where it can't be read */
	json_t *commit;                           /* NULL: none, or damaged */
	bool commit_is_damaged;
	struct epoch at;
};

/* Each is a line of the report; a path is told relative to the directory. What is damaged or
 * inconsistent is counted. */
void audit_fine(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void audit_note(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void audit_damaged(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void audit_inconsistent(struct audit *a, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A name in the directory, in a buffer. */
const char *audit_path(const struct audit *a, struct buf *path, const char *name);

/* Looks at who may read and write it. */
void audit_mode(struct audit *a, const char *name);

/* Of a name longer than that. */
bool audit_ends_with(const char *name, const char *ending);

#endif
