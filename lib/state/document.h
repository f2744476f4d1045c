/*
 * Small files that say what a pipeline relies on: one JSON object in a line, and a second line
 * "xxh3:" with the XXH3-64 of the first, so that damage is found whenever one is read.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <jansson.h>
#include <stdbool.h>

/* Replaces path durably: who reads it sees the old one or the new one. */
void document_replace(const char *path, const json_t *document);

/* The same as far as it goes, for a process that is dying: false where it could not. aside is a
 * name of its own beside path. */
bool document_try_replace(const char *path, const char *aside, const json_t *document);

/* Creates path durably; what is there is overwritten, so only the owner of the name may call it. */
void document_create(const char *path, const json_t *document);

/*
 * Reads path: gives a new reference. NULL if there is no such file, or, with *why, a static reason,
 * if it is damaged or can't be read (then errno says more, or is 0).
 */
json_t *document_read(const char *path, const char **why);

/* The same, but dies with EX_IOERR when it is damaged, naming it and what to do. */
json_t *document_get(const char *path, const char *what_to_do);

#endif
