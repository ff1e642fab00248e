#include "state/store.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::state {
namespace {

constexpr std::size_t record_limit = 8U << 20U;
constexpr std::size_t failure_limit = 64U << 10U;
constexpr const char* failure_name = "supervisor.error";
constexpr std::size_t manifest_limit = 16U << 20U;
constexpr std::size_t origin_limit = 64U << 10U;
constexpr std::size_t most_of_name = 200;  // beside a UID in a file's name
// Of a run folder that is being removed; no pod's (key_of).
constexpr const char* removed_prefix = ".removed-";

std::optional<PodKey> key_of(const std::string& folder) {
  const auto split = folder.find('_');
  if (split == std::string::npos || split == 0 || split + 1 == folder.size()) return std::nullopt;
  return PodKey{folder.substr(0, split), folder.substr(split + 1)};
}

void remove_entries(const std::string& folder, const std::string& prefix) noexcept {
  try {
    const sys::UniqueFd dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir) return;
    for (const auto& name : sys::list_dir(dir.get()))
      if (name.starts_with(prefix)) sys::remove_tree_at(dir.get(), name);
  } catch (const std::exception&) {
    // Two sweeps at once meet here: what one does not remove the other does.
  }
}

}  // namespace

Store::Store(Paths paths) : paths_(std::move(paths)) {}

void Store::prepare() const {
  for (const auto& path : {paths_.run_pods(), paths_.data_pods(), paths_.trash()})
    (void)sys::make_dirs_at(AT_FDCWD, path, 0700);
}

Lock Store::lock(const PodKey& key, std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const std::string folder = paths_.run_dir(key);
  for (;;) {
    const sys::UniqueFd pods = sys::make_dirs_at(AT_FDCWD, paths_.run_pods(), 0700);
    if (::mkdirat(pods.get(), key.folder().c_str(), 0700) < 0 && errno != EEXIST)
      sys::check(-1, "make directory ", folder);
    const std::string path = key.folder() + "/lock";
    sys::UniqueFd fd(::openat(pods.get(), path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd && errno == ENOENT) continue;  // the folder was removed in between
    sys::check(fd.get(), "open ", folder, "/lock");
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    // There is no timed lock, and the holders are short: ask again every few milliseconds.
    while (::fcntl(fd.get(), F_OFD_SETLK, &range) < 0) {
      if (errno != EAGAIN && errno != EACCES && errno != EINTR) sys::check(-1, "lock ", folder);
      if (std::chrono::steady_clock::now() >= deadline) return Lock();
      sys::pause_briefly();
    }
    // The file may have been removed with its pod while we waited: then it guards nothing.
    struct ::stat ours {
    }, there{};
    if (::fstat(fd.get(), &ours) == 0 && ::fstatat(pods.get(), path.c_str(), &there, 0) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
      return Lock(std::move(fd));
  }
}

bool Store::is_locked(const PodKey& key) const {
  const std::string path = paths_.run_dir(key) + "/lock";
  const sys::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return false;
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  sys::check(::fcntl(fd.get(), F_OFD_GETLK, &range), "ask for the lock ", path);
  return range.l_type != F_UNLCK;
}

std::optional<Record> Store::read(const PodKey& key) const {
  return read_below(AT_FDCWD, paths_.run_dir(key), key);
}

std::optional<Record> Store::read_below(int dirfd, const std::string& folder,
                                        const PodKey& key) const {
  const auto text = sys::read_file_at(dirfd, folder + "/pod.json", record_limit);
  if (!text) return std::nullopt;
  try {
    return record_from_json(*text);
  } catch (sys::Error& error) {
    error.prepend("pod " + key.name + ": " + paths_.run_dir(key) + "/pod.json");
    error.advise("pausa rm --force " + key.name + " removes the pod as far as it can be told");
    throw;
  }
}

void Store::write(const Record& record) const {
  const sys::UniqueFd dir = sys::open_dir(paths_.run_dir(record.key));
  sys::replace_file_at(dir.get(), "pod.json", to_json(record), 0600);
}

std::vector<Record> Store::list(std::vector<Damaged>* damaged) const {
  std::vector<Record> records;
  const sys::UniqueFd dir(::open(paths_.run_pods().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) {
    if (errno != ENOENT) sys::check(-1, "open ", paths_.run_pods());
    return records;
  }
  for (const auto& folder : sys::list_dir(dir.get())) {
    const auto key = key_of(folder);
    if (!key) continue;
    try {
      if (auto record = read_below(dir.get(), folder, *key)) records.push_back(std::move(*record));
    } catch (const sys::Error& error) {
      if (damaged != nullptr) damaged->push_back({*key, error.what()});
    }
  }
  return records;
}

std::vector<PodKey> Store::list_keys() const {
  std::vector<PodKey> keys;
  const sys::UniqueFd dir(::open(paths_.data_pods().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return keys;
  for (const auto& folder : sys::list_dir(dir.get()))
    if (auto key = key_of(folder)) keys.push_back(std::move(*key));
  return keys;
}

std::vector<PodKey> Store::list_without_record() const {
  auto keys = list_keys();
  std::erase_if(keys, [this](const PodKey& key) {
    return ::access((paths_.run_dir(key) + "/pod.json").c_str(), F_OK) == 0 ||
           ::access(paths_.data_dir(key).c_str(), F_OK) != 0;  // removed since
  });
  return keys;
}

std::optional<std::string> Store::read_manifest(const PodKey& key) const {
  return sys::read_file_at(AT_FDCWD, paths_.data_dir(key) + "/manifest.json", manifest_limit);
}

void Store::write_manifest(const PodKey& key, const std::string& json) const {
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, paths_.data_dir(key), 0700);
  sys::replace_file_at(dir.get(), "manifest.json", json, 0600);
}

void Store::stage_manifest(const PodKey& key, const std::string& json) const {
  const sys::UniqueFd dir = sys::open_dir(paths_.data_dir(key));
  sys::replace_file_at(dir.get(), "manifest.next.json", json, 0600);
}

std::optional<std::string> Store::read_staged(const PodKey& key) const {
  return sys::read_file_at(AT_FDCWD, paths_.data_dir(key) + "/manifest.next.json", manifest_limit);
}

void Store::commit_staged(const PodKey& key) const {
  const sys::UniqueFd dir = sys::open_dir(paths_.data_dir(key));
  sys::check(::renameat(dir.get(), "manifest.next.json", dir.get(), "manifest.json"),
             "replace the manifest of pod ", key.name);
}

std::string Store::read_origin(const PodKey& key) const {
  return sys::read_file_at(AT_FDCWD, paths_.data_dir(key) + "/origin", origin_limit).value_or("");
}

void Store::write_origin(const PodKey& key, const std::string& origin) const {
  const sys::UniqueFd dir = sys::open_dir(paths_.data_dir(key));
  sys::create_file_at(dir.get(), "origin", origin, 0600);
}

void Store::append_event(const PodKey& key, const std::string& json_line) const {
  const std::string path = paths_.data_dir(key) + "/events.jsonl";
  const sys::UniqueFd fd(sys::check(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600), "open ", path));
  const std::string line = json_line + "\n";
  sys::check(::write(fd.get(), line.data(), line.size()), "write ", path);
}

std::optional<std::string> Store::read_failure(const PodKey& key) const {
  auto text = sys::read_file_at(AT_FDCWD, paths_.data_dir(key) + "/" + failure_name, failure_limit);
  while (text && text->ends_with('\n')) text->pop_back();
  return text;
}

void Store::write_failure(const PodKey& key, const std::string& text) const noexcept {
  try {
    const auto dir = sys::try_open_at(AT_FDCWD, paths_.data_dir(key), O_RDONLY | O_DIRECTORY);
    if (!dir) return;
    if (text.empty())
      (void)::unlinkat(dir.get(), failure_name, 0);  // absent is fine
    else
      sys::replace_file_at(dir.get(), failure_name, text + "\n", 0600);
  } catch (const std::exception&) {
    // Nobody to tell.
  }
}

void Store::remove(const PodKey& key) const {
  const std::string data = paths_.data_dir(key);
  const std::string target =
      paths_.trash() + "/" + key.folder().substr(0, most_of_name) + "." + make_uid();
  if (::rename(data.c_str(), target.c_str()) < 0 && errno != ENOENT)
    sys::check(-1, "move ", data, " to the trash");
  remove_run_dir(key);
}

void Store::remove_run_dir(const PodKey& key) const {
  const sys::UniqueFd pods = sys::open_dir(paths_.run_pods());
  // Under its own name it goes at once: whoever waits for its lock could make a new file of that
  // name in a folder that is being emptied, and lose what it writes there.
  const std::string removed = removed_prefix + make_uid();
  if (::renameat(pods.get(), key.folder().c_str(), pods.get(), removed.c_str()) < 0) {
    if (errno == ENOENT) return;
    sys::check(-1, "remove ", paths_.run_dir(key));
  }
  sys::remove_tree_at(pods.get(), removed);
}

void Store::sweep() const noexcept {
  remove_entries(paths_.run_pods(), removed_prefix);
  remove_entries(paths_.trash(), "");
}

std::string make_uid() {
  unsigned char bytes[16];
  sys::check(::getrandom(bytes, sizeof bytes, 0), "get random bytes");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0fU) | 0x40U);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3fU) | 0x80U);
  constexpr char digits[] = "0123456789abcdef";
  std::string uid;
  for (std::size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) uid += '-';
    uid += digits[bytes[i] >> 4U];
    uid += digits[bytes[i] & 0x0fU];
  }
  return uid;
}

}  // namespace pausa::state
