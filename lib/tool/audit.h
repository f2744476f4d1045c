/*
 * dd-run --check: verifies all that lies in a checkpoint directory and explains it in words.
 * Nothing is changed. A pipeline that runs meanwhile is no trouble: where something is amiss and
 * the commit has moved, it is looked at again.
 */
#ifndef AUDIT_H
#define AUDIT_H

/* Prints the report on stdout and returns EX_OK, EX_IOERR where something is damaged, or EX_CONFIG
 * where all is whole but does not fit together. */
int audit_run(const char *dir);

#endif
