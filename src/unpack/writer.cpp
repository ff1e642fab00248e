#include "unpack/writer.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "unpack/acl.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace pausa::unpack {
namespace {

constexpr std::uint64_t folder_flags = O_PATH | O_DIRECTORY;
constexpr std::uint64_t sent_at_once = std::uint64_t{8} << 20U;
constexpr std::uint64_t least_sent = std::uint64_t{128} << 10U;
constexpr char no_path = '/';  // those of folders are relative
constexpr std::size_t most_default_acls = 1024;

std::string whole(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

// The disk begins to write while we go on: at the end all of it is waited for.
void send(int fd) {
  (void)::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
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

timespec time_of(int fd) {
  struct ::stat info {};
  sys::check(::fstat(fd, &info), "stat a folder");
  return info.st_mtim;
}

[[noreturn]] void fail_owner(const Entry& entry) {
  const std::string owner = std::to_string(entry.uid) + ":" + std::to_string(entry.gid);
  if (errno != EINVAL) sys::check(-1, "give it to ", owner);
  sys::Error error("its owner " + owner +
                   " is none of the ids that this user has (user_namespaces(7))");
  error.advise("/etc/subuid and /etc/subgid say which ids a user has");
  throw error;
}

}  // namespace

Writer::Writer(int root, const Limits& limits, bool owners)
    : root_(root), limits_(limits), owners_(owners) {}

void Writer::leave_folder() {
  if (folder_) set_time(folder_.get(), "", AT_EMPTY_PATH, folder_time_);
  folder_.reset();
}

// Missing ones are made, one component at a time. A link on the way counts as what it leads to,
// inside the root; one that leads to nothing is an error, since it is not for us to make that.
int Writer::parent_of(const std::string& path) {
  if (folder_ && path == folder_path_) return folder_.get();
  leave_folder();
  sys::UniqueFd folder = sys::try_open_in_root(root_, path.empty() ? "." : path, folder_flags);
  for (std::size_t at = 0; !folder && at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string above = at == 0 ? "." : path.substr(0, at - 1);
    const std::string here = path.substr(0, end);
    if (!sys::try_open_in_root(root_, here, folder_flags)) {
      const auto parent = sys::open_in_root(root_, above, folder_flags);
      const auto time = time_of(parent.get());
      if (::mkdirat(parent.get(), path.substr(at, end - at).c_str(), 0755) != 0 && errno != EEXIST)
        sys::check(-1, "make the folder ", here);
      set_time(parent.get(), "", AT_EMPTY_PATH, time);
    }
    at = end + 1;
  }
  if (!folder) folder = sys::open_in_root(root_, path, folder_flags);
  folder_time_ = time_of(folder.get());
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
  if (S_ISDIR(there.st_mode) && entry.kind == Kind::directory) return false;
  if (!S_ISREG(there.st_mode))
    folder_path_.assign(1, no_path);  // the same path may lead elsewhere now
  if (!S_ISDIR(there.st_mode)) {
    sys::check(::unlinkat(parent, entry.name.c_str(), 0), "replace it");
    return S_ISCHR(there.st_mode) && there.st_rdev == 0;
  }
  const auto readable = sys::open_at(parent, ".", O_RDONLY | O_DIRECTORY);
  sys::remove_tree_at(readable.get(), entry.name);
  return false;
}

// It is meant for the layers below: what this layer itself has at the place stays.
void Writer::white_out(int parent, const Entry& entry) {
  // A character device 0:0 needs no privilege (mknod(2), Linux 5.8).
  if (::mknodat(parent, entry.name.c_str(), S_IFCHR, 0) == 0) return;
  if (errno != EEXIST) sys::check(-1, "make the whiteout");
  const auto own = sys::try_open_in_root(parent, entry.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (own) make_opaque(whole(entry.parent, entry.name));
}

void Writer::make_opaque(const std::string& path) {
  constexpr std::size_t most_bytes = std::size_t{4} << 20U;
  if (!opaque_.empty() && opaque_.back() == path) return;
  if ((opaque_bytes_ += path.size() + 1) > most_bytes)
    throw sys::Error("the layer has too many opaque folders");
  opaque_.push_back(path);
}

// Owner first: a change of owner takes set-user-ID bits and capabilities away.
void Writer::dress(int fd, const Entry& entry) const {
  if (owners_ && ::fchown(fd, entry.uid, entry.gid) != 0) fail_owner(entry);
  sys::check(::fchmod(fd, entry.mode), "chmod");
  for (const auto& [name, value] : entry.xattrs) {
    if ((!owners_ && name.starts_with("security.")) || name == default_acl) continue;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && errno != EOPNOTSUPP)
      sys::check(-1, "set the attribute ", name);
  }
}

// What cannot be opened without following or waking something. Not followed: we have just made it,
// and nobody else is here.
void Writer::give(int parent, const Entry& entry) const {
  if (owners_ &&
      ::fchownat(parent, entry.name.c_str(), entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
    fail_owner(entry);
  if (entry.kind != Kind::symlink)
    sys::check(::fchmodat(parent, entry.name.c_str(), entry.mode, 0), "chmod");
  set_time(parent, entry.name.c_str(), AT_SYMLINK_NOFOLLOW, time_of(entry));
}

void Writer::end_file() {
  if (!file_) return;
  const sys::UniqueFd file = std::move(file_);
  if (file_end_ != file_entry_.size)
    sys::check(::ftruncate(file.get(), static_cast<off_t>(file_entry_.size)), "set the size");
  dress(file.get(), file_entry_);
  if (unsent_ >= least_sent) send(file.get());
  const timespec both[] = {time_of(file_entry_), time_of(file_entry_)};
  sys::check(::futimens(file.get(), both), "set the time");
}

void Writer::add_file(int parent, const Entry& entry) {
  file_ = sys::open_at(parent, entry.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  file_entry_ = entry;
  file_end_ = 0;
  unsent_ = 0;
}

void Writer::add_directory(int parent, const Entry& entry, bool hides) {
  const bool is_root = entry.name.empty();
  const char* const name = is_root ? "." : entry.name.c_str();
  if (::mkdirat(parent, name, 0700) != 0 && errno != EEXIST) sys::check(-1, "make it");
  const auto made = sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  dress(made.get(), entry);
  const std::string path = whole(entry.parent, entry.name);
  if (hides) make_opaque(path);
  if (!default_acls_.empty()) default_acls_.erase(path);
  for (const auto& [attribute, value] : entry.xattrs)
    if (attribute == default_acl && !default_acls_.emplace(path, value).second)
      throw sys::Error("it has two default ACLs");
  if (default_acls_.size() > most_default_acls)
    throw sys::Error("the layer has too many default ACLs");
  if (is_root)
    folder_time_ = time_of(entry);  // set when the folder is left
  else
    set_time(made.get(), "", AT_EMPTY_PATH, time_of(entry));
}

void Writer::add_symlink(int parent, const Entry& entry) const {
  sys::check(::symlinkat(entry.link.c_str(), parent, entry.name.c_str()), "make the link");
  give(parent, entry);
}

void Writer::add_hardlink(int parent, const Entry& entry) const {
  const std::size_t slash = entry.link.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : entry.link.substr(0, slash);
  const std::string name = slash == std::string::npos ? entry.link : entry.link.substr(slash + 1);
  const auto target = sys::try_open_in_root(root_, folder, folder_flags);
  // Without AT_SYMLINK_FOLLOW: a link to a symbolic link is one to the link itself.
  if (target && ::linkat(target.get(), name.c_str(), parent, entry.name.c_str(), 0) == 0) return;
  if (!target || errno == ENOENT)
    throw sys::Error("a hard link to \"" + shown(entry.link) +
                     "\", which this layer does not have");
  throw sys::Error(errno, "hard link to \"" + shown(entry.link) + "\"");
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
  give(parent, entry);
}

void Writer::add_at(int parent, const Entry& entry) {
  if (entry.kind == Kind::whiteout) return white_out(parent, entry);
  const bool hides = !entry.name.empty() && clear_place(parent, entry);
  switch (entry.kind) {
    case Kind::file:
      return add_file(parent, entry);
    case Kind::directory:
      return add_directory(parent, entry, hides);
    case Kind::symlink:
      return add_symlink(parent, entry);
    case Kind::hardlink:
      return add_hardlink(parent, entry);
    case Kind::fifo:
    case Kind::character:
    case Kind::block:
      return add_node(parent, entry);
    case Kind::opaque:
      return make_opaque(entry.parent);
    case Kind::whiteout:
      return;
  }
}

void Writer::add(const Entry& entry) {
  try {
    end_file();
    if (++totals_.entries > limits_.entries)
      throw sys::Error("the layer has more than " + std::to_string(limits_.entries) + " entries");
    add_at(parent_of(entry.parent), entry);
  } catch (sys::Error& error) {
    error.prepend("entry \"" + shown(whole(entry.parent, entry.name)) + "\"");
    throw;
  }
}

void Writer::write(std::string_view bytes, std::uint64_t offset) {
  const std::uint64_t written_bytes = bytes.size();
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
  file_end_ = std::max(file_end_, offset);
  if ((unsent_ += written_bytes) >= sent_at_once) {
    send(file_.get());
    unsent_ = 0;
  }
}

void Writer::finish() {
  end_file();
  leave_folder();
  for (const auto& [path, value] : default_acls_) {
    // A later entry may have taken its place.
    const auto folder = sys::try_open_in_root(root_, path.empty() ? "." : path,
                                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (folder &&
        ::fsetxattr(folder.get(), default_acl.data(), value.data(), value.size(), 0) != 0 &&
        errno != EOPNOTSUPP)
      sys::check(-1, "set the default ACL of ", path);
  }
}

}  // namespace pausa::unpack
