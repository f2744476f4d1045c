/*
 * Where bytes come from: a file, a descriptor, or a compressed file, told by its name's ending
 * (`.gz`, `.zst`). Errors end the process and name the file.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Gives up to size bytes that come from elsewhere; 0 is the end. */
typedef size_t input_reader(void *from, char *to, size_t size);

struct input {
	int fd;
	const char *name;          /* borrowed; "stdin" for "-" */
	struct input_codec *codec; /* NULL for plain bytes */
	input_reader *reader;      /* NULL: bytes are read from fd */
	void *from;                /* borrowed */
};

/* Opens path for reading; "-" is the standard input. Enlarges a pipe. Dies if it can't be opened.
 */
void input_open(struct input *in, const char *path);
void input_close(struct input *in);

/* The same with what is open already; the name says whether it is compressed. Takes fd. */
void input_take(struct input *in, int fd, const char *name);

/* Whether the name says that what is in the file is compressed. */
bool input_is_packed(const char *path);

/* Bytes that come from elsewhere: nothing is opened, and fd is -1. Borrows all. */
void input_begin(struct input *in, const char *name, input_reader *reader, void *from);

/* Goes to where offset bytes have been read; of what can't be sought in they are read. False if
 * there are not so many. */
bool input_seek(struct input *in, uint64_t offset);

/* Reads up to size bytes; 0 is the end. Dies when reading fails or compressed data is damaged. */
size_t input_read(struct input *in, char *to, size_t size);

/* The descriptor to wait on before a read, or -1 if a read does not block. */
int input_waits_on(const struct input *in);

#endif
