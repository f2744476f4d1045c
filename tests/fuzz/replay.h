/*
 * Without the fuzzer (-DREPLAY) a target is a program that gives the files named in its arguments
 * to the target, one after the other, each in memory of its own size. Included last.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What a target claims of its input; asserts may be compiled out. */
#define must(claim)                                                                         \
	do {                                                                                \
		if (!(claim)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
			abort();                                                            \
		}                                                                           \
	} while (0)

#ifdef REPLAY

static int replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL, *exact;
	size_t len = 0, n;

	if (!file) {
		perror(path);
		return 1;
	}
	do {
		bytes = realloc(bytes, len + 65536);
		n = fread(bytes + len, 1, 65536, file);
		len += n;
	} while (n);
	fclose(file);
	exact = malloc(len ? len : 1);
	memcpy(exact, bytes, len);
	free(bytes);
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= argv[i][0] != '-' && replay_file(argv[i]);
	return failed;
}

#endif

#endif
