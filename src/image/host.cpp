#include "image/host.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string_view>
namespace pausa::image {
namespace {

struct Place {
  const char* path;
  int depth;  // how many levels below are looked at
};

// Where secrets are kept, and how deep it is worth to look. A closed directory hides all below it.
constexpr Place places[] = {{"", 1},    {"etc", 5},     {"opt", 1},       {"srv", 1},
                            {"var", 1}, {"var/lib", 1}, {"var/spool", 1}, {"var/log", 1}};

// Mount points of the kernel's own file systems: a container has its own there.
constexpr const char* not_ours[] = {"/proc", "/sys", "/dev", "/run"};

class Search {
 public:
  explicit Search(int root) : root_(root) {
    struct stat info {};
    sys::check(::fstat(root, &info), "stat the root");
    device_ = info.st_dev;
  }

  void look_below(const std::string& path, int depth) {
    auto fd = sys::try_open_in_root(root_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const std::unique_ptr<DIR, int (*)(DIR*)> dir(fd ? ::fdopendir(fd.get()) : nullptr, ::closedir);
    if (!dir) return;
    const int handle = fd.release();  // closedir closes it
    while (const dirent* entry = ::readdir(dir.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      // Half of /etc are links, which need no look.
      if (entry->d_type != DT_REG && entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
        continue;
      struct stat info {};
      if (::fstatat(handle, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      const std::string inner = path + "/" + entry->d_name;
      if (info.st_dev != device_ || is_kernels(inner)) continue;
      const bool directory = S_ISDIR(info.st_mode);
      if (!directory && !S_ISREG(info.st_mode)) continue;
      const mode_t needed = directory ? S_IROTH | S_IXOTH : S_IROTH;
      if ((info.st_mode & needed) != needed)
        found_.push_back(inner);
      else if (directory && depth > 1)
        look_below(inner, depth - 1);
    }
  }
  void add_children(const std::string& path) {
    const auto dir = sys::try_open_in_root(root_, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!dir) return;
    const std::string prefix = path + "/";
    for (const std::string& name : sys::list_dir(dir.get())) add(prefix + name);
  }
  void add(const std::string& path) {
    const auto handle = sys::try_open_in_root(root_, path, O_PATH | O_NOFOLLOW);
    struct stat info {};
    if (!handle || ::fstat(handle.get(), &info) != 0) return;
    if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)) found_.push_back(path);
  }

  std::vector<std::string> result() {
    std::sort(found_.begin(), found_.end());
    std::vector<std::string> outermost;
    for (const std::string& path : found_) {
      const bool covered = std::any_of(
          outermost.begin(), outermost.end(),
          [&](const std::string& outer) { return path == outer || path.starts_with(outer + "/"); });
      if (!covered) outermost.push_back(path);
    }
    return outermost;
  }

 private:
  static bool is_kernels(const std::string& path) {
    return std::find(std::begin(not_ours), std::end(not_ours), path) != std::end(not_ours);
  }

  int root_;
  dev_t device_ = 0;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> paths_to_mask(const std::string& root,
                                       const std::vector<std::string>& also) {
  const auto handle = sys::open_dir(root);
  Search search(handle.get());
  search.add("/root");
  search.add_children("/home");
  for (const std::string& path : also) search.add(path);
  for (const Place& place : places) {
    const std::string path = place.path;
    search.look_below(path.empty() ? "" : "/" + path, place.depth);
  }
  return search.result();
}

}  // namespace pausa::image
