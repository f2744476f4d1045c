#include "io/random.h"

#include <sys/random.h>

#include "base/die.h"

uint64_t random_number(void)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		die_errno(EX_TEMPFAIL, "cannot get a random number");
	return number;
}
