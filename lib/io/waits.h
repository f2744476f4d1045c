/* Several descriptors made one, to be waited on together (epoll(7)). */
#ifndef WAITS_H
#define WAITS_H

struct waits {
	int fd; /* readable while one of them is */
};

void waits_init(struct waits *w);
void waits_release(struct waits *w);

/* A regular file is never waited for, so it is not added. */
void waits_add(struct waits *w, int fd);

/* Before fd is closed; of one that was not added nothing is done. */
void waits_remove(struct waits *w, int fd);

#endif
