/* dd-run --check of one stage's directory: its records, from the commit back, and the files that
 * they rely on. */
#ifndef AUDITSTAGE_H
#define AUDITSTAGE_H

#include "tool/auditreport.h"

/* The stage of that name, whether or not the commit names it. */
void audit_stage(struct audit *a, const char *name);

#endif
