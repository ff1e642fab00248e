// The process that reads a hostile layer gives up what it does not need: other files than those
// below one directory, capabilities but for owners, modes and nodes, further programs, sockets,
// most system calls, memory without end.
#pragma once

namespace pausa::unpack {

// After it, "/" is the directory `root` (a descriptor), which is all that can be seen; with -1 no
// file can be opened (by Landlock alone). Descriptors above 2 other than `root` are closed. Throws
// sys::Error where a part of it fails, but for Landlock, which older kernels do not have
// (Linux 5.19 for what is needed here).
void confine(int root);

}  // namespace pausa::unpack
