#include "state/diskmodule.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/die.h"
#include "io/libexec.h"

static const char file[] = "state-rocksdb.so";

static const struct disk_module *load(const char *path)
{
	/* NODELETE: its threads outlive what is closed */
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct disk_module *module = object ? dlsym(object, "disk_module") : NULL;

	if (!module)
		die(EX_CONFIG, "cannot load '%s', which state on disk needs: %s", path, dlerror());
	if (module->version != DISK_MODULE_VERSION)
		die(EX_CONFIG, "'%s' is of another version of ddpipe", path);
	return module;
}

const struct disk_module *disk_module_load(void)
{
	static const struct disk_module *module;
	struct buf path;
	const char *why;

	if (module)
		return module;
	buf_init(&path);
	why = libexec_path(file, R_OK, &path);
	if (why)
		die(EX_CONFIG,
			"state on disk needs %s: %s; it is built where the headers of RocksDB are "
			"(Debian: librocksdb-dev)",
			file, why);
	module = load(buf_string(&path));
	buf_release(&path);
	return module;
}
