#include "io/notify.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/die.h"

/* A path, or behind an @ a name in the abstract namespace. False for what is neither. */
static bool address_read(struct sockaddr_un *address, socklen_t *len, const char *text)
{
	size_t text_len = strlen(text);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((*text != '/' && *text != '@') || text_len < 2 || text_len >= sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, text, text_len);
	if (*text == '@')
		address->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + text_len + (*text == '/'));
	return true;
}

void notify_open(struct notify *n, int fd)
{
	const char *text = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t len;

	*n = (struct notify){.socket = -1, .fd = fd};
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!text || !*text)
		return;
	n->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->socket < 0 || !address_read(&address, &len, text) ||
		connect(n->socket, (struct sockaddr *)&address, len) != 0) {
		warn("nobody listens at NOTIFY_SOCKET '%s'", text);
		if (n->socket >= 0)
			close(n->socket);
		n->socket = -1;
	}
	unsetenv("NOTIFY_SOCKET");
}

void notify_close(struct notify *n)
{
	if (n->socket >= 0)
		close(n->socket);
	if (n->fd >= 0)
		close(n->fd);
	*n = (struct notify){.socket = -1, .fd = -1};
}

bool notify_is_heard(const struct notify *n)
{
	return n->socket >= 0;
}

void notify_say(const struct notify *n, const char *text)
{
	if (n->socket >= 0)
		send(n->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_ready(struct notify *n)
{
	notify_say(n, "READY=1");
	if (n->fd < 0)
		return;
	if (write(n->fd, "\n", 1) != 1)
		warn("cannot write to the descriptor of --notify-fd");
	close(n->fd);
	n->fd = -1;
}
