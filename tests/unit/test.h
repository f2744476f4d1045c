/*
 * A unit test file is a set of functions `void test_NAME(void)`; the runner finds them by name and
 * runs each in a process of its own.
 */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define check(claim)                                                                        \
	do {                                                                                \
		if (!(claim)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #claim); \
			exit(1);                                                            \
		}                                                                           \
	} while (0)

#define check_text(got, want)                                                                   \
	do {                                                                                    \
		const char *got_ = (got), *want_ = (want);                                      \
		if (!got_ || strcmp(got_, want_) != 0) {                                        \
			fprintf(stderr, "%s:%d: got  '%s'\n%*swant '%s'\n", __FILE__, __LINE__, \
				got_ ? got_ : "(null)", (int)strlen(__FILE__) + 6, "", want_);  \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

#define check_int(got, want)                                                                      \
	do {                                                                                      \
		long long got_ = (long long)(got), want_ = (long long)(want);                     \
		if (got_ != want_) {                                                              \
			fprintf(stderr, "%s:%d: got %lld, want %lld\n", __FILE__, __LINE__, got_, \
				want_);                                                           \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

#endif
