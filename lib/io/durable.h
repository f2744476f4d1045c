/*
 * Changes that survive a power cut: write, fsync, rename, fsync of the directory. Here and nowhere
 * else. Every failure ends the process; a failed fsync is final (EX_IOERR).
 */
#ifndef DURABLE_H
#define DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Makes a directory that only its owner can read, if it is not there (its parent must be), and sees
 * that files can be made in it. */
void durable_dir(const char *path);

/* Creates a file that must not exist yet, mode 0600, for writing; -1 if it exists. */
int durable_create(const char *path);

/* Writes all of it, in as many calls as that takes: one may take less, on a full disk or where a
 * signal comes. False, with errno, if one fails. */
bool durable_write(int fd, const char *bytes, size_t len);

/* Makes what was written to fd durable. name is for messages. */
void durable_sync(int fd, const char *name);

/* Has the disk begin with what was written there (a len of 0: to the end), where the system can:
 * promises nothing, and leaves less for durable_sync to wait for. */
void durable_begin(int fd, uint64_t offset, size_t len);

/* Makes durable what somebody else wrote, who may have died before doing so: the file at path, if
 * there is one, and its name. */
void durable_adopt(const char *path);

/* Makes durable which names stand in the directory that holds path. */
void durable_sync_parent(const char *path);

/* Gives a synced file another name, replacing what had it, and syncs the directory. */
void durable_rename(const char *from, const char *to);

#endif
