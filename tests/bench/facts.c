/* What instruction counts depend on, of this build and this machine: a name and a value a line. */
#include <gnu/libc-version.h>
#include <sodium.h>
#include <stdio.h>

#if defined(__SSE2__) && !defined(SCAN_PORTABLE)
static const char scanner[] = "vector";
#else
static const char scanner[] = "portable";
#endif

/* Those that libraries choose their code by, and that valgrind knows as well. */
static void print_cpu(void)
{
	printf("cpu");
#if defined(__x86_64__)
	__builtin_cpu_init();
	printf(" x86-64%s%s%s%s%s%s", __builtin_cpu_supports("ssse3") ? " ssse3" : "",
		__builtin_cpu_supports("sse4.2") ? " sse4.2" : "",
		__builtin_cpu_supports("avx") ? " avx" : "",
		__builtin_cpu_supports("avx2") ? " avx2" : "",
		__builtin_cpu_supports("bmi") ? " bmi" : "",
		__builtin_cpu_supports("bmi2") ? " bmi2" : "");
#else
	printf(" other");
#endif
	printf("\n");
}

int main(void)
{
	printf("scanner %s\n", scanner);
	printf("libc %s\n", gnu_get_libc_version());
	printf("libsodium %s\n", sodium_version_string());
	print_cpu();
	return 0;
}
