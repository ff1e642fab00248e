#include "sys/mount_info.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>

namespace pausa::sys {
namespace {

constexpr std::size_t most_mount_info = std::size_t{16} << 20U;

std::string_view next_word(std::string_view& line) {
  const auto end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

}  // namespace

std::optional<MountInfo> mount_of(int fd) {
  struct ::statx info {};
  check(::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &info), "look at a mount");
  const UniqueFd file = open_at(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY);
  const std::string all = read_all(file.get(), most_mount_info, "mountinfo");
  const std::string id = std::to_string(info.stx_mnt_id);
  std::string_view rest = all;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    // "36 35 98:0 /root /point options shared:1 master:2 - type source options" (proc(5))
    if (next_word(line) != id) continue;
    MountInfo mount;
    for (int skipped = 0; skipped < 3; ++skipped) (void)next_word(line);
    mount.point = next_word(line);
    (void)next_word(line);
    for (auto word = next_word(line); !word.empty() && word != "-"; word = next_word(line)) {
      mount.shared = mount.shared || word.starts_with("shared:");
      mount.slave = mount.slave || word.starts_with("master:");
    }
    return mount;
  }
  return std::nullopt;
}

}  // namespace pausa::sys
