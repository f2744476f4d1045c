/* Every file lies on a network file system: so says statfs(2) to a program with this preloaded. */
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

int statfs(const char *path, struct statfs *to)
{
	(void)path;
	memset(to, 0, sizeof(*to));
	to->f_type = NFS_SUPER_MAGIC;
	return 0;
}
