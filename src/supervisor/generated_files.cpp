#include "supervisor/generated_files.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <set>

namespace pausa::supervisor {
namespace {

constexpr const char* data_link = "..data";
constexpr const char* next_link = "..data_tmp";
constexpr int directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
constexpr mode_t dir_mode = 0755;

// "..2026_11_22_15_04_05.123456789": sorts by time, and no key can begin with two dots.
std::string payload_name() {
  timespec now{};
  (void)::clock_gettime(CLOCK_REALTIME, &now);
  tm fields{};
  (void)::gmtime_r(&now.tv_sec, &fields);
  std::array<char, 64> text{};
  const auto length = ::strftime(text.data(), text.size(), "..%Y_%m_%d_%H_%M_%S", &fields);
  (void)std::snprintf(text.data() + length, text.size() - length, ".%09ld", now.tv_nsec);
  return text.data();
}

sys::UniqueFd make_dir(int parent, const std::string& name, const FilesOwner& owner) {
  if (::mkdirat(parent, name.c_str(), dir_mode) < 0 && errno != EEXIST)
    sys::check(-1, "make directory ", name);
  sys::UniqueFd dir = sys::open_at(parent, name, directory);
  if (owner.id_base != 0 || owner.fs_group)
    sys::check(::fchown(dir.get(), owner.id_base, owner.fs_group.value_or(owner.id_base)), "chown ",
               name);
  sys::check(::fchmod(dir.get(), owner.fs_group ? dir_mode | S_ISGID : dir_mode), "chmod ", name);
  return dir;
}

void write_file(int payload, const pod::ProjectedFile& file, const FilesOwner& owner) {
  sys::UniqueFd folder = sys::open_at(payload, ".", directory);
  std::size_t at = 0;
  for (std::size_t slash; (slash = file.path.find('/', at)) != std::string::npos; at = slash + 1)
    if (slash > at) folder = make_dir(folder.get(), file.path.substr(at, slash - at), owner);
  const std::string name = file.path.substr(at);
  const sys::UniqueFd fd =
      sys::open_at(folder.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  for (std::string_view rest = file.text; !rest.empty();) {
    const ssize_t written = ::write(fd.get(), rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    sys::check(written, "write ", file.path);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (owner.id_base != 0 || owner.fs_group)
    sys::check(::fchown(fd.get(), owner.id_base, owner.fs_group.value_or(owner.id_base)), "chown ",
               file.path);
  // The group is to read them, whatever the mode says (as the kubelet has it for fsGroup).
  sys::check(::fchmod(fd.get(), file.mode | (owner.fs_group ? 0440U : 0U)), "chmod ", file.path);
}

std::string link_target(int dir, const std::string& name) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(dir, name.c_str(), target.data(), target.size());
  return size < 0 ? std::string() : std::string(target.data(), static_cast<std::size_t>(size));
}

void put_link(int dir, const std::string& name, const std::string& target) {
  if (link_target(dir, name) == target) return;
  sys::remove_tree_at(dir, name);
  sys::check(::symlinkat(target.c_str(), dir, name.c_str()), "link ", name);
}

std::size_t count_files(int dir) {
  std::size_t count = 0;
  for (const auto& name : sys::list_dir(dir)) {
    const sys::UniqueFd folder = sys::UniqueFd(::openat(dir, name.c_str(), directory | O_CLOEXEC));
    count += folder ? count_files(folder.get()) : 1;
  }
  return count;
}

// Whether the content that is there is this one already: then nobody who watches it is woken.
bool holds(int dir, const std::vector<pod::ProjectedFile>& files) {
  const std::string payload = link_target(dir, data_link);
  if (!payload.starts_with("..") || payload.find('/') != std::string::npos) return false;
  const sys::UniqueFd folder(::openat(dir, payload.c_str(), directory | O_CLOEXEC));
  if (!folder || count_files(folder.get()) != files.size()) return false;
  for (const auto& file : files) {
    const sys::UniqueFd fd = sys::try_open_in_root(folder.get(), file.path, O_RDONLY | O_NONBLOCK);
    struct ::stat info {};
    if (!fd || ::fstat(fd.get(), &info) < 0 || !S_ISREG(info.st_mode) ||
        static_cast<std::size_t>(info.st_size) != file.text.size() ||
        (info.st_mode & 0777 & file.mode) != file.mode ||
        sys::read_all(fd.get(), file.text.size(), file.path) != file.text)
      return false;
  }
  return true;
}

void fill(int dir, const std::string& payload, const std::vector<pod::ProjectedFile>& files,
          const FilesOwner& owner) {
  const sys::UniqueFd folder = make_dir(dir, payload, owner);
  for (const auto& file : files) write_file(folder.get(), file, owner);
  sys::remove_tree_at(dir, next_link);
  sys::check(::symlinkat(payload.c_str(), dir, next_link), "link ", next_link);
  if (::renameat(dir, next_link, dir, data_link) < 0) {
    // Something that is no link stands there, and was not put there by us.
    sys::remove_tree_at(dir, data_link);
    sys::check(::renameat(dir, next_link, dir, data_link), "switch ", data_link);
  }
}

}  // namespace

void write_generated(int parent, const std::string& name,
                     const std::vector<pod::ProjectedFile>& files, const FilesOwner& owner) {
  const sys::UniqueFd dir = make_dir(parent, name, owner);
  if (holds(dir.get(), files)) return;
  const std::string payload = payload_name();
  try {
    fill(dir.get(), payload, files, owner);
  } catch (...) {
    if (link_target(dir.get(), data_link) != payload) sys::remove_tree_at(dir.get(), payload);
    throw;
  }
  std::set<std::string> tops;
  for (const auto& file : files) tops.insert(file.path.substr(0, file.path.find('/')));
  for (const auto& top : tops) put_link(dir.get(), top, std::string(data_link) + "/" + top);
  for (const auto& old : sys::list_dir(dir.get()))
    if (!tops.contains(old) && old != data_link && old != payload)
      sys::remove_tree_at(dir.get(), old);
}

}  // namespace pausa::supervisor
