/*
 * Where bytes come from: a file, a descriptor, or a compressed file, told by its name's ending
 * (`.gz`, `.zst`). Errors end the process and name the file.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>

struct input {
	int fd;
	const char *name;          /* borrowed; "stdin" for "-" */
	struct input_codec *codec; /* NULL for plain bytes */
};

/* Opens path for reading; "-" is the standard input. Enlarges a pipe. Dies if it can't be opened.
 */
void input_open(struct input *in, const char *path);
void input_close(struct input *in);

/* Reads up to size bytes; 0 is the end. Dies when reading fails or compressed data is damaged. */
size_t input_read(struct input *in, char *to, size_t size);

/* The descriptor to wait on before a read, or -1 if a read does not block. */
int input_waits_on(const struct input *in);

#endif
