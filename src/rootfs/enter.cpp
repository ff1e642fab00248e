// CHILD ZONE: runs between clone and exec. Plain system calls; nothing allocates, throws or logs.
#include "rootfs/mount_step.hpp"
#include "rootfs/overlay.hpp"
#include "sys/mount.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pausa::rootfs {
namespace {

constexpr int root_slot = 0;

int open_beneath(int dirfd, const char* name, std::uint64_t flags, std::uint64_t resolve) noexcept {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  return static_cast<int>(::syscall(SYS_openat2, dirfd, name, &how, sizeof how));
}

// The file or directory at an absolute path inside root, made where it is absent, as an O_PATH
// descriptor. Every prefix is resolved anew with RESOLVE_IN_ROOT: a link in the tree (which may be
// a hostile image's) can lead elsewhere in the tree, never out of it.
int make_in_root(int root, const char* path, bool file) noexcept {
  constexpr std::uint64_t inside = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const int found = open_beneath(root, path, O_PATH, inside);
  if (found >= 0 || errno != ENOENT) return found;
  char prefix[4096];
  std::size_t length = 0;
  int parent = open_beneath(root, "/", O_PATH | O_DIRECTORY, inside);
  if (parent < 0) return -1;
  const char* at = path;
  while (*at == '/') ++at;
  while (*at != '\0') {
    const char* end = at;
    while (*end != '\0' && *end != '/') ++end;
    const char* next = end;
    while (*next == '/') ++next;
    const bool last = *next == '\0';
    const auto size = static_cast<std::size_t>(end - at);
    if (length + size + 2 > sizeof prefix || size > 255) {
      errno = ENAMETOOLONG;
      return -1;
    }
    char name[256];
    for (std::size_t i = 0; i < size; ++i) name[i] = at[i];
    name[size] = '\0';
    prefix[length++] = '/';
    for (std::size_t i = 0; i < size; ++i) prefix[length++] = at[i];
    prefix[length] = '\0';
    int child = open_beneath(root, prefix, O_PATH, inside);
    if (child < 0 && errno == ENOENT) {
      if (last && file) {
        const int made = static_cast<int>(::syscall(
            SYS_openat, parent, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (made < 0) return -1;
        (void)::close(made);
      } else if (::mkdirat(parent, name, 0755) < 0 && errno != EEXIST) {
        return -1;
      }
      child = open_beneath(root, prefix, O_PATH, inside);
    }
    if (child < 0) return -1;
    (void)::close(parent);
    parent = child;
    at = next;
  }
  return parent;
}

int make_filesystem(const MountStep& step, int* slots) noexcept {
  const int fs = sys::fs_open(step.text);
  if (fs < 0) return -1;
  for (const char* const* option = step.options; option != nullptr && *option != nullptr;
       option += 2)
    if (sys::fs_set(fs, option[0], option[1]) < 0) return -1;
  if (sys::fs_create(fs) < 0) return -1;
  slots[step.slot] = sys::fs_mount(fs, static_cast<unsigned>(step.attributes));
  (void)::close(fs);
  return slots[step.slot] < 0 ? -1 : 0;
}

// The source as a descriptor for open_tree: the parent's, or a path of infra's mount namespace and,
// with `path`, what lies at that place inside it (made if absent, never outside it).
int open_source(const MountStep& step) noexcept {
  if (step.op == MountOp::bind) return step.fd;
  const int tree = open_beneath(AT_FDCWD, step.text, O_PATH, 0);
  if (tree < 0 || step.path == nullptr) return tree;
  const int inside = make_in_root(tree, step.path, false);
  (void)::close(tree);
  return inside;
}

// Overlay takes its layers by path, and before Linux 6.15 only from attached mounts.
int attach_mapped(const MountStep& step) noexcept {
  const int tree = sys::open_tree(AT_FDCWD, step.text,
                                  static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (tree < 0 || sys::mount_map_ids(tree, 0, step.id_map) < 0) return -1;
  const int rc = sys::move_mount(tree, AT_FDCWD, step.path);
  (void)::close(tree);
  return rc;
}

int copy_tree(const MountStep& step, int* slots) noexcept {
  const unsigned recursive = step.recursive ? AT_RECURSIVE : 0U;
  const int source = open_source(step);
  if (source < 0) return -1;
  const int tree = sys::open_tree(
      source, "",
      static_cast<unsigned>(AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC) | recursive);
  if (tree < 0) return -1;
  if (source != step.fd) (void)::close(source);
  slots[step.slot] = tree;
  if (step.id_map >= 0 && sys::mount_map_ids(tree, recursive, step.id_map) < 0) return -1;
  if (step.top_attributes != 0 &&
      sys::mount_set(tree, "", static_cast<unsigned>(AT_EMPTY_PATH), step.top_attributes) < 0)
    return -1;
  if (step.attributes == 0 && step.propagation == 0) return 0;
  return sys::mount_set(tree, "", static_cast<unsigned>(AT_EMPTY_PATH) | recursive, step.attributes,
                        0, step.propagation);
}

// A part of an attached mount can be copied by open_tree(2), that of a detached one only from Linux
// 6.15 on.
int take_part(const MountStep& step, int* slots) noexcept {
  const int whole = slots[step.slot];
  if (sys::move_mount(whole, AT_FDCWD, "/root") < 0) return -1;
  const int inside =
      open_beneath(whole, step.path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  if (inside < 0) return -1;
  slots[step.slot] = sys::open_tree(
      inside, "", static_cast<unsigned>(AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (slots[step.slot] < 0 || ::umount2("/root", MNT_DETACH) < 0) return -1;
  (void)::close(inside);
  return ::close(whole);
}

int attach(const MountStep& step, int* slots) noexcept {
  struct ::stat info {};
  const bool file = step.file || (::fstat(slots[step.slot], &info) == 0 && !S_ISDIR(info.st_mode));
  const int target = make_in_root(slots[root_slot], step.path, file);
  if (target < 0) return -1;
  const int rc = sys::move_mount(slots[step.slot], target, "");
  (void)::close(target);
  return rc;
}

int absent_is_fine(int rc) noexcept {
  return rc < 0 && (errno == ENOENT || errno == ENOTDIR) ? 0 : rc;
}

int mask(const char* path) noexcept {
  const int rc = ::mount("/dev/null", path, nullptr, MS_BIND, nullptr);
  if (rc == 0 || errno != ENOTDIR) return absent_is_fine(rc);
  return absent_is_fine(::mount("tmpfs", path, "tmpfs",
                                MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                "size=4k,nr_inodes=1,mode=755"));
}

int pivot(int* slots) noexcept {
  if (::fchdir(slots[root_slot]) < 0) return -1;
  if (sys::pivot_root(".", ".") < 0) return -1;
  // Both roots are now at "/", the old one on top (pivot_root(2), NOTES).
  if (::umount2(".", MNT_DETACH) < 0) return -1;
  return ::chdir("/");
}

int own_proc(const MountStep& step) noexcept {
  const int fs = sys::fs_open("proc");
  if (fs < 0 || sys::fs_create(fs) < 0) return -1;
  const int proc = sys::fs_mount(fs, static_cast<unsigned>(step.attributes));
  if (proc < 0) return -1;
  const int rc = sys::move_mount(proc, AT_FDCWD, step.path);
  (void)::close(fs);
  (void)::close(proc);
  return rc;
}

int bind_device(const MountStep& step) noexcept {
  const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, step.path,
                                              O_CREAT | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666));
  if (file < 0) return -1;
  (void)::close(file);
  return sys::move_mount(step.fd, AT_FDCWD, step.path);
}

}  // namespace

int execute(const MountStep& step, int* slots) noexcept {
  switch (step.op) {
    case MountOp::own_table:
      return own_table();
    case MountOp::mapped_tree:
      return attach_mapped(step);
    case MountOp::filesystem:
      return make_filesystem(step, slots);
    case MountOp::overlay:
      return mount_overlay(step, slots);
    case MountOp::part:
      return take_part(step, slots);
    case MountOp::bind:
    case MountOp::infra_tree:
      return copy_tree(step, slots);
    case MountOp::node:
      return ::mknodat(slots[step.slot], step.path, step.mode, step.device);
    case MountOp::bind_device:
      return bind_device(step);
    case MountOp::link:
      return ::symlinkat(step.text, slots[step.slot], step.path);
    case MountOp::directory:
      return ::mkdirat(slots[step.slot], step.path, step.mode);
    case MountOp::attach_root:
      if (sys::move_mount(slots[root_slot], AT_FDCWD, "/root") < 0) return -1;
      return 0;
    case MountOp::attach:
      return attach(step, slots);
    case MountOp::make_path: {
      const int made = make_in_root(slots[root_slot], step.path, false);
      if (made < 0) return step.may_fail ? 0 : -1;
      (void)::close(made);
      return 0;
    }
    case MountOp::pivot:
      return pivot(slots);
    case MountOp::own_proc:
      return own_proc(step);
    case MountOp::mask:
      return mask(step.path);
    case MountOp::read_only: {
      const int rc = ::mount(step.path, step.path, nullptr, MS_BIND | MS_REC, nullptr);
      if (rc < 0) return absent_is_fine(rc);
      return sys::mount_set(AT_FDCWD, step.path, AT_RECURSIVE, MOUNT_ATTR_RDONLY);
    }
    case MountOp::seal_root:
      return sys::mount_set(AT_FDCWD, "/", 0, MOUNT_ATTR_RDONLY);
  }
  errno = EINVAL;
  return -1;
}

}  // namespace pausa::rootfs
