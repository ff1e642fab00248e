#include "supervisor/machine_devices.hpp"

#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace pausa::supervisor {
namespace {

constexpr int deepest = 8;
// Those that a container has anyway, or that are another thing in it.
constexpr std::array<std::string_view, 11> own{
    "console", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "tty", "urandom", "zero"};

void add(int dir, const std::string& prefix, int depth, std::vector<rootfs::DeviceNode>& out) {
  for (const std::string& name : sys::list_dir(dir)) {
    if (depth == 0 && std::find(own.begin(), own.end(), name) != own.end()) continue;
    struct ::stat info {};
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) < 0) continue;  // gone meanwhile
    if (S_ISCHR(info.st_mode) || S_ISBLK(info.st_mode)) {
      out.push_back({prefix + name, info.st_mode, info.st_rdev});
    } else if (S_ISDIR(info.st_mode) && depth < deepest) {
      const sys::UniqueFd below = sys::try_open_at(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (!below) continue;
      out.push_back({prefix + name, info.st_mode, 0});
      add(below.get(), prefix + name + "/", depth + 1, out);
    }
  }
}

}  // namespace

std::vector<rootfs::DeviceNode> machine_devices() {
  std::vector<rootfs::DeviceNode> devices;
  add(sys::open_dir("/dev").get(), "", 0, devices);
  return devices;
}

}  // namespace pausa::supervisor
