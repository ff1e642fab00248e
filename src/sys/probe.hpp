// What this kernel lets us do, found out by doing it: each probe makes the real thing in a child
// that ends right after, and leaves nothing behind. The answer is an errno, 0 when it worked. For
// single-threaded callers; not for child zones.
#pragma once

#include <functional>
#include <string>
#include <utility>

namespace pausa::sys {

// A namespace of this kind (CLONE_NEW*); with in_user_namespace inside a user namespace of its own,
// as an unprivileged user makes them.
int probe_namespace(int clone_flag, bool in_user_namespace);

// Any other trial in new namespaces (CLONE_NEW*). It tells by its result whether it worked, and by
// errno why not.
int probe_inside(int clone_flags, bool in_user_namespace, const std::function<bool()>& trial);

// An overlay whose upper layer lies in `folder`, which is the caller's to remove.
int probe_overlay(const std::string& folder, bool in_user_namespace);

// fsopen, fsmount, mount_setattr (Linux 5.12) on a detached tmpfs.
int probe_mount_api(bool in_user_namespace);

// pidfd_open and a signal through it (5.3).
int probe_pidfd();

// A seccomp filter that allows everything.
int probe_seccomp();

// A multiple-id map by the set-uid helpers newuidmap and newgidmap is not probed but looked for:
// whether the file is an executable found in PATH. Empty: no.
std::string find_program(const std::string& name);

// Major and minor number of the running kernel.
std::pair<int, int> kernel_version();

}  // namespace pausa::sys
