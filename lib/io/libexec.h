/* Where the parts of the toolkit are that its programs run or load. */
#ifndef LIBEXEC_H
#define LIBEXEC_H

#include "base/buf.h"

/*
 * The path of such a part, relative to the running program's directory D, so that any PREFIX and
 * DESTDIR work: D/../libexec/ddpipe/NAME, or D/NAME in a build tree. mode is what must be allowed,
 * as for access(2). Returns NULL with the path in `path`; or a static reason, with the last place
 * that was looked at.
 */
const char *libexec_path(const char *name, int mode, struct buf *path);

#endif
