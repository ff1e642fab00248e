#include "unpack/writer.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace pausa::unpack {
namespace {

constexpr std::uint64_t folder_flags = O_PATH | O_DIRECTORY;

std::string whole(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

timespec time_of(const Entry& entry) {
  timespec time{};
  time.tv_sec = entry.mtime;
  time.tv_nsec = static_cast<long>(entry.mtime_ns);
  return time;
}

void set_time(int fd, const char* name, int flags, const timespec& time) {
  const timespec both[] = {time, time};
  sys::check(::utimensat(fd, name, both, flags), "set the time");
}

}  // namespace

Writer::Writer(int root, const Limits& limits, bool owners)
    : root_(root), limits_(limits), owners_(owners) {}

// Missing ones are made, one component at a time. A link on the way counts as what it leads to,
// inside the root; one that leads to nothing is an error, since it is not for us to make that.
int Writer::parent_of(const std::string& path) {
  if (folder_ && path == folder_path_) return folder_.get();
  folder_.reset();
  sys::UniqueFd folder = sys::try_open_in_root(root_, path.empty() ? "." : path, folder_flags);
  for (std::size_t at = 0; !folder && at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string above = at == 0 ? "." : path.substr(0, at - 1);
    const std::string here = path.substr(0, end);
    if (!sys::try_open_in_root(root_, here, folder_flags)) {
      const auto parent = sys::open_in_root(root_, above, folder_flags);
      if (::mkdirat(parent.get(), path.substr(at, end - at).c_str(), 0755) == 0)
        sys::check(::fchmodat(parent.get(), path.substr(at, end - at).c_str(), 0755, 0), "chmod");
      else if (errno != EEXIST)
        sys::check(-1, "make the folder ", here);
    }
    at = end + 1;
  }
  if (!folder) folder = sys::open_in_root(root_, path, folder_flags);
  folder_ = std::move(folder);
  folder_path_ = path;
  return folder_.get();
}

// What stood there goes, unless a directory meets a directory.
bool Writer::clear_place(int parent, const Entry& entry) {
  struct ::stat there {};
  if (::fstatat(parent, entry.name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    sys::check(-1, "look at it");
  }
  if (!S_ISDIR(there.st_mode)) {
    sys::check(::unlinkat(parent, entry.name.c_str(), 0), "replace it");
    return S_ISCHR(there.st_mode) && there.st_rdev == 0;
  }
  if (entry.kind != Kind::directory) {
    const auto readable = sys::open_at(parent, ".", O_RDONLY | O_DIRECTORY);
    sys::remove_tree_at(readable.get(), entry.name);
    folder_.reset();  // it may have been below
  }
  return false;
}

// It is meant for the layers below: what this layer itself has at the place stays.
void Writer::white_out(int parent, const Entry& entry) {
  // A character device 0:0 needs no privilege (mknod(2), Linux 5.8).
  if (::mknodat(parent, entry.name.c_str(), S_IFCHR, 0) == 0) return;
  if (errno != EEXIST) sys::check(-1, "make the whiteout");
  const auto own = sys::try_open_in_root(parent, entry.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (own) opaque_.push_back(whole(entry.parent, entry.name));
}

// Owner first: a change of owner takes set-user-ID bits and capabilities away.
void Writer::dress(int fd, const Entry& entry) const {
  if (owners_) sys::check(::fchown(fd, entry.uid, entry.gid), "chown");
  sys::check(::fchmod(fd, entry.mode), "chmod");
  for (const auto& [name, value] : entry.xattrs) {
    if (!owners_ && name.starts_with("security.")) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && errno != EOPNOTSUPP)
      sys::check(-1, "set the attribute ", name);
  }
}

void Writer::end_file() {
  if (!file_) return;
  const sys::UniqueFd file = std::move(file_);
  sys::check(::ftruncate(file.get(), static_cast<off_t>(file_entry_.size)), "set the size");
  dress(file.get(), file_entry_);
  const timespec both[] = {time_of(file_entry_), time_of(file_entry_)};
  sys::check(::futimens(file.get(), both), "set the time");
}

void Writer::add_file(int parent, const Entry& entry) {
  file_ = sys::open_at(parent, entry.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  file_entry_ = entry;
}

void Writer::add_directory(int parent, const Entry& entry, bool hides) {
  const std::string name = entry.name.empty() ? "." : entry.name;
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) sys::check(-1, "make it");
  const auto made = sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  dress(made.get(), entry);
  if (hides) opaque_.push_back(whole(entry.parent, entry.name));
  times_.push_back({whole(entry.parent, entry.name), time_of(entry)});
}

void Writer::add_hardlink(int parent, const Entry& entry) {
  const std::size_t slash = entry.link.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : entry.link.substr(0, slash);
  const std::string name = slash == std::string::npos ? entry.link : entry.link.substr(slash + 1);
  const auto target = sys::try_open_in_root(root_, folder, folder_flags);
  // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is one to the link itself.
  if (!target || ::linkat(target.get(), name.c_str(), parent, entry.name.c_str(), 0) != 0)
    throw sys::Error(target ? errno : ENOENT, "hard link to \"" + shown(entry.link) + "\"");
}

void Writer::add_node(int parent, const Entry& entry) {
  const mode_t type = entry.kind == Kind::fifo ? S_IFIFO : S_IFCHR;
  if (::mknodat(parent, entry.name.c_str(), type | 0600, ::makedev(entry.major, entry.minor)) !=
      0) {
    if (errno == EPERM && entry.kind != Kind::fifo) {
      ++totals_.skipped;
      return;
    }
    sys::check(-1, "make the node");
  }
  if (owners_)
    sys::check(::fchownat(parent, entry.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW),
               "chown");
  // Not followed: we have just made it, and nobody else is here.
  sys::check(::fchmodat(parent, entry.name.c_str(), entry.mode, 0), "chmod");
  set_time(parent, entry.name.c_str(), AT_SYMLINK_NOFOLLOW, time_of(entry));
}

void Writer::add(const Entry& entry) {
  try {
    end_file();
    if (++totals_.entries > limits_.entries)
      throw sys::Error("the layer has more than " + std::to_string(limits_.entries) + " entries");
    const int parent = parent_of(entry.parent);
    if (entry.kind == Kind::whiteout) return white_out(parent, entry);
    const bool hides = !entry.name.empty() && clear_place(parent, entry);
    const int place = parent_of(entry.parent);
    switch (entry.kind) {
      case Kind::file:
        return add_file(place, entry);
      case Kind::directory:
        return add_directory(place, entry, hides);
      case Kind::symlink:
        sys::check(::symlinkat(entry.link.c_str(), place, entry.name.c_str()), "make the link");
        if (owners_)
          sys::check(
              ::fchownat(place, entry.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW),
              "chown");
        return set_time(place, entry.name.c_str(), AT_SYMLINK_NOFOLLOW, time_of(entry));
      case Kind::hardlink:
        return add_hardlink(place, entry);
      case Kind::fifo:
      case Kind::character:
      case Kind::block:
        return add_node(place, entry);
      case Kind::opaque:
        return opaque_.push_back(entry.parent);
      case Kind::whiteout:
        return;
    }
  } catch (sys::Error& error) {
    error.prepend("entry \"" + shown(whole(entry.parent, entry.name)) + "\"");
    throw;
  }
}

void Writer::write(std::string_view bytes, std::uint64_t offset) {
  totals_.bytes += bytes.size();
  if (totals_.bytes > limits_.bytes)
    throw sys::Error("the layer exceeds its limit of " + std::to_string(limits_.bytes) +
                     " unpacked bytes");
  if (!file_ || offset + bytes.size() > file_entry_.size)
    throw sys::Error("entry \"" + shown(whole(file_entry_.parent, file_entry_.name)) +
                     "\": more data than its size");
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    sys::check(written, "write \"", shown(whole(file_entry_.parent, file_entry_.name)), "\"");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

void Writer::finish() {
  end_file();
  folder_.reset();
  for (auto at = times_.rbegin(); at != times_.rend(); ++at) {
    // A later entry may have taken its place.
    const auto folder = sys::try_open_in_root(root_, at->path.empty() ? "." : at->path,
                                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder) continue;
    const timespec both[] = {at->time, at->time};
    sys::check(::futimens(folder.get(), both), "set the time of ", at->path);
  }
}

}  // namespace pausa::unpack
