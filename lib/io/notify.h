/*
 * Telling a service manager how it goes: systemd by datagrams to the socket that NOTIFY_SOCKET
 * names (sd_notify(3); nothing of libsystemd is needed), s6 by a newline on a descriptor. Best
 * effort: a manager that does not listen is no reason to stop.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdbool.h>

struct notify {
	int socket; /* -1: no such manager */
	int fd;     /* for the newline; -1: none, or written */
};

/* Takes NOTIFY_SOCKET out of the environment, so that what is started does not speak for us; and
 * the descriptor, -1 for none. */
void notify_open(struct notify *n, int fd);
void notify_close(struct notify *n);

/* Whether anybody reads what notify_say says. */
bool notify_is_heard(const struct notify *n);

/* Sends "READY=1", "STATUS=...", "STOPPING=1". */
void notify_say(const struct notify *n, const char *text);

/* Says, once, that the service is up. */
void notify_ready(struct notify *n);

#endif
