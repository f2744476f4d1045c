/*
 * Copies its standard input to its standard output, reading and writing as a stage does: what the
 * pipe between two stages takes, were there nothing else to do.
 * usage: relay
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/input.h"
#include "io/out.h"
#include "io/turns.h"

enum { BLOCK_BYTES = 256 << 10 };

int main(void)
{
	char *block = mem_alloc(BLOCK_BYTES);
	struct input in;
	struct out out;
	size_t n;

	input_open(&in, "-");
	out_init(&out, STDOUT_FILENO, "stdout");
	while ((n = input_read(&in, block, BLOCK_BYTES)) > 0) {
		turns_adapt(n);
		out_lend(&out, block, n);
		out_flush(&out);
	}
	out_release(&out);
	input_close(&in);
	free(block);
	return 0;
}
