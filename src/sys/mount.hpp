// The new mount API (fsopen(2), mount_setattr(2), kernel 5.12 or later) as plain calls that return
// -1 with errno. Usable in child zones.
#pragma once

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace pausa::sys {

inline int fs_open(const char* type) noexcept {
  return static_cast<int>(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC));
}
inline int fs_set(int fs, const char* key, const char* value) noexcept {
  return static_cast<int>(value != nullptr
                              ? ::syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0)
                              : ::syscall(SYS_fsconfig, fs, FSCONFIG_SET_FLAG, key, nullptr, 0));
}
inline int fs_create(int fs) noexcept {
  return static_cast<int>(::syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0));
}
inline int fs_mount(int fs, unsigned attributes) noexcept {
  return static_cast<int>(::syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
}
// A detached copy of the mount (AT_RECURSIVE: with those below it) at path relative to dirfd.
inline int open_tree(int dirfd, const char* path, unsigned flags) noexcept {
  return static_cast<int>(::syscall(SYS_open_tree, dirfd, path, flags));
}
// Attaches the detached mount `from` at `path` below `to` (empty path: at `to` itself).
inline int move_mount(int from, int to, const char* path) noexcept {
  return static_cast<int>(
      ::syscall(SYS_move_mount, from, "", to, path,
                MOVE_MOUNT_F_EMPTY_PATH | (*path == '\0' ? MOVE_MOUNT_T_EMPTY_PATH : 0)));
}
inline int mount_set(int dirfd, const char* path, unsigned flags, unsigned long set,
                     unsigned long clear = 0, unsigned long propagation = 0) noexcept {
  struct mount_attr attributes {};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  attributes.propagation = propagation;
  return static_cast<int>(
      ::syscall(SYS_mount_setattr, dirfd, path, flags, &attributes, sizeof attributes));
}
// Shows the ids of a detached mount's files as the user namespace `users` maps them (idmapped
// mount, mount_setattr(2)). EINVAL: the file system cannot; EPERM: it is mapped already, or not
// ours.
inline int mount_map_ids(int mount, unsigned flags, int users) noexcept {
  struct mount_attr attributes {};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(users);
  return static_cast<int>(::syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH,
                                    &attributes, sizeof attributes));
}
inline int pivot_root(const char* new_root, const char* put_old) noexcept {
  return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}

}  // namespace pausa::sys
