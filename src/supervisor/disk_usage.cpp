#include "supervisor/disk_usage.hpp"

#include "sys/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <set>

namespace pausa::supervisor {
namespace {

constexpr int deepest = 256;          // one descriptor each
constexpr std::uint64_t block = 512;  // of st_blocks, whatever the file system's (stat(2))

class Counter {
 public:
  Counter(dev_t device, std::uint64_t enough) : device_(device), enough_(enough) {}

  std::uint64_t bytes() const { return bytes_; }

  void add(const struct ::stat& info) {
    // A file of several names is met several times.
    if (info.st_nlink > 1 && !S_ISDIR(info.st_mode) && !seen_.insert(info.st_ino).second) return;
    bytes_ += static_cast<std::uint64_t>(info.st_blocks) * block;
  }

  void walk(sys::UniqueFd fd, int depth) {
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), ::closedir);
    if (!dir) return;
    (void)fd.release();  // closedir closes it
    const int at = ::dirfd(dir.get());
    while (const dirent* entry = ::readdir(dir.get())) {
      if (bytes_ > enough_) return;
      const std::string_view name = entry->d_name;
      struct ::stat info {};
      if (name == "." || name == ".." ||
          ::fstatat(at, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) < 0 || info.st_dev != device_)
        continue;
      add(info);
      if (!S_ISDIR(info.st_mode) || depth == deepest) continue;
      sys::UniqueFd child(
          ::openat(at, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      if (child) walk(std::move(child), depth + 1);
    }
  }

 private:
  dev_t device_;
  std::uint64_t enough_;
  std::uint64_t bytes_ = 0;
  std::set<ino_t> seen_;
};

}  // namespace

std::uint64_t disk_usage(const std::string& directory, std::uint64_t enough) {
  sys::UniqueFd top(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat info {};
  if (!top || ::fstat(top.get(), &info) < 0) return 0;
  Counter counter(info.st_dev, enough);
  counter.add(info);
  counter.walk(std::move(top), 0);
  return counter.bytes();
}

}  // namespace pausa::supervisor
