// CHILD ZONE: an overlay of many layers. fsconfig(2) takes at most 255 bytes in one text, mount(2)
// a page for all of them, and the path of a layer has about a hundred: so each directory is named
// by its descriptor, "/proc/self/fd/N" (which also needs no protection of ':', ',' and '\\').
#include "rootfs/overlay.hpp"

#include "sys/mount.hpp"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace pausa::rootfs {
namespace {

constexpr std::size_t page = 4096;
constexpr int most_in_one_text = 13;  // of at most 18 bytes and a colon each, in 255

// Text in a fixed piece of memory. What does not fit makes it void.
class Text {
 public:
  void add(const char* text) noexcept {
    while (*text != '\0') put(*text++);
  }
  void add_descriptor(int fd) noexcept {
    add("/proc/self/fd/");
    char digits[12];
    int count = 0;
    do digits[count++] = static_cast<char>('0' + fd % 10);
    while ((fd /= 10) > 0);
    while (count > 0) put(digits[--count]);
  }
  bool fits() const noexcept { return size_ < page; }
  const char* get() const noexcept { return bytes_; }

 private:
  void put(char c) noexcept {
    if (size_ < page) bytes_[size_++] = c;
    bytes_[size_ < page ? size_ : page - 1] = '\0';
  }
  char bytes_[page];
  std::size_t size_ = 0;
};

bool is_path(const char* key) noexcept {
  return key[0] == 'u' ? key[1] == 'p' : key[0] == 'w';  // upperdir, workdir; not userxattr
}

// close_range takes these descriptors with all others before the first process inside the pod.
int open_dir(const char* path) noexcept {
  return ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int set_dir(int fs, const char* key, const char* path) noexcept {
  const int dir = open_dir(path);
  if (dir < 0) return -1;
  Text text;
  text.add_descriptor(dir);
  return sys::fs_set(fs, key, text.get());
}

bool add_layers(const MountStep& step, Text& text) noexcept {
  for (const char* const* layer = step.layers; *layer != nullptr; ++layer) {
    const int dir = open_dir(*layer);
    if (dir < 0) return false;
    if (layer != step.layers) text.add(":");
    text.add_descriptor(dir);
  }
  return true;
}

int set_layers(int fs, const MountStep& step) noexcept {
  int count = 0;
  while (step.layers[count] != nullptr) ++count;
  if (count <= most_in_one_text) {
    Text text;
    return add_layers(step, text) ? sys::fs_set(fs, "lowerdir", text.get()) : -1;
  }
  for (const char* const* layer = step.layers; *layer != nullptr; ++layer)
    if (set_dir(fs, "lowerdir+", *layer) < 0) return -1;  // Linux 6.8
  return 0;
}

int stack(const MountStep& step) noexcept {
  const int fs = sys::fs_open("overlay");
  if (fs < 0 || set_layers(fs, step) < 0) return -1;
  for (const char* const* option = step.options; *option != nullptr; option += 2) {
    const int rc = is_path(option[0]) ? set_dir(fs, option[0], option[1])
                                      : sys::fs_set(fs, option[0], option[1]);
    if (rc < 0) return -1;
  }
  if (sys::fs_create(fs) < 0) return -1;
  const int mount = sys::fs_mount(fs, static_cast<unsigned>(step.attributes));
  (void)::close(fs);
  return mount;
}

// Many layers on an older kernel. mount(2) makes attached mounts only: so in a table of our own,
// over the topmost layer.
int stack_at_once(const MountStep& step) noexcept {
  if (own_table() < 0) return -1;
  Text text;
  text.add("lowerdir=");
  if (!add_layers(step, text)) return -1;
  for (const char* const* option = step.options; *option != nullptr; option += 2) {
    text.add(",");
    text.add(option[0]);
    if (option[1] == nullptr) continue;
    text.add("=");
    if (!is_path(option[0])) {
      text.add(option[1]);
      continue;
    }
    const int dir = open_dir(option[1]);
    if (dir < 0) return -1;
    text.add_descriptor(dir);
  }
  if (!text.fits()) {
    errno = E2BIG;
    return -1;
  }
  if (::mount("overlay", step.layers[0], "overlay", 0, text.get()) < 0) return -1;
  const int mount = sys::open_tree(AT_FDCWD, step.layers[0],
                                   static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (mount < 0 || step.attributes == 0) return mount;
  return sys::mount_set(mount, "", AT_EMPTY_PATH, step.attributes) < 0 ? -1 : mount;
}

}  // namespace

int own_table() noexcept {
  if (::unshare(CLONE_NEWNS) < 0) return -1;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr);
}

int mount_overlay(const MountStep& step, int* slots) noexcept {
  int mount = stack(step);
  if (mount < 0 && errno == EINVAL) mount = stack_at_once(step);
  slots[step.slot] = mount;
  return mount < 0 ? -1 : 0;
}

}  // namespace pausa::rootfs
