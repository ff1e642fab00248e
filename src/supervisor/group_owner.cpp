#include "supervisor/group_owner.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pausa::supervisor {
namespace {

constexpr mode_t file_bits = 0660;
constexpr mode_t dir_bits = 02770;
constexpr int deepest = 256;  // one descriptor each

sys::UniqueFd open_inside(int dir, const std::string& name) {
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return sys::UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, dir, name.c_str(), &how, sizeof how)));
}

class Giver {
 public:
  Giver(std::uint32_t group, const std::string& volume) : group_(group), volume_(volume) {}

  // By the handle: whatever the name means by now, this is what was looked at.
  void give(int fd, int depth) {
    struct ::stat info {};
    sys::check(::fstat(fd, &info), "look into volume ", volume_);
    if (info.st_gid != group_)
      sys::check(::fchownat(fd, "", static_cast<uid_t>(-1), group_, AT_EMPTY_PATH), "give volume ",
                 volume_, " to group ", group_);
    if (S_ISLNK(info.st_mode)) return;
    const bool directory = S_ISDIR(info.st_mode);
    // chown may have taken setuid and setgid bits away, which is as it should be.
    const mode_t wanted = (info.st_mode & 07777) | (directory ? dir_bits : file_bits);
    if (info.st_gid != group_ || (info.st_mode & 07777) != wanted) {
      const std::string link = "/proc/self/fd/" + std::to_string(fd);
      sys::check(::chmod(link.c_str(), wanted), "set a mode in volume ", volume_);
    }
    if (!directory || depth == deepest) return;
    const sys::UniqueFd open(::openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!open) sys::check(-1, "look into volume ", volume_);
    for (const auto& name : sys::list_dir(open.get())) {
      const sys::UniqueFd entry = open_inside(open.get(), name);
      if (entry) give(entry.get(), depth + 1);  // what is gone or a mount is left alone
    }
  }

 private:
  std::uint32_t group_;
  const std::string& volume_;
};

}  // namespace

void give_to_group(int dir, std::uint32_t group, pod::FsGroupChangePolicy policy,
                   const std::string& volume) {
  struct ::stat info {};
  sys::check(::fstat(dir, &info), "look into volume ", volume);
  if (policy == pod::FsGroupChangePolicy::on_root_mismatch && info.st_gid == group &&
      (info.st_mode & dir_bits) == dir_bits)
    return;
  Giver(group, volume).give(dir, 0);
}

}  // namespace pausa::supervisor
