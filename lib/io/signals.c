#include "io/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/die.h"

/* A blocked signal is told even where it is ignored; so those are left out. */
static bool is_ignored(int number)
{
	struct sigaction now;

	return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

int signals_open(const int *numbers)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (; *numbers; numbers++)
		if (!is_ignored(*numbers))
			sigaddset(&set, *numbers);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		die_errno(EX_TEMPFAIL, "cannot wait for signals");
	return fd;
}

bool signals_next(int fd, struct signal_told *told)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return false;
	*told = (struct signal_told){
		.number = (int)info.ssi_signo,
		.from_terminal = info.ssi_code == SI_KERNEL,
	};
	return true;
}
