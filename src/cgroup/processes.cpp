#include "cgroup/processes.hpp"

#include "sys/path.hpp"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace pausa::cgroup {
namespace {

constexpr std::size_t most_text = 64U << 20U;

void read_processes(int dir, const std::string& group, std::vector<pid_t>& found) {
  const auto text = read_group_file(dir, group + "cgroup.procs");
  if (!text) return;
  const char* at = text->data();
  const char* const end = at + text->size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, failed] = std::from_chars(at, end, pid);
    if (failed != std::errc()) break;
    if (pid > 0) found.push_back(pid);  // 0: someone whom our PID namespace cannot see
    at = next + 1;
  }
}

sys::UniqueFd open_pidfd(pid_t pid) {
  return sys::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

bool lists(int dir, pid_t pid) {
  const std::vector<pid_t> now = processes_below(dir);
  return std::find(now.begin(), now.end(), pid) != now.end();
}

}  // namespace

std::optional<std::string> read_group_file(int dir, const std::string& file) {
  try {
    return sys::read_file_at(dir, file, most_text);
  } catch (const sys::Error& error) {
    if (error.err() == ENODEV) return std::nullopt;
    throw;
  }
}

std::vector<std::string> groups_below(int dir) {
  std::vector<std::string> groups;
  std::vector<std::string> open = {""};
  while (!open.empty()) {
    const std::string parent = std::move(open.back());
    open.pop_back();
    const auto fd = sys::try_open_at(dir, parent.empty() ? "." : parent, O_RDONLY | O_DIRECTORY);
    if (!fd) continue;
    // A group has two links, and one more for each group below it (kernfs).
    struct stat info {};
    if (::fstat(fd.get(), &info) == 0 && info.st_nlink == 2) continue;
    for (const std::string& name : sys::list_dir(fd.get())) {
      if (::fstatat(fd.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (!S_ISDIR(info.st_mode)) continue;
      groups.push_back(parent + name);
      open.push_back(parent + name + "/");
    }
  }
  // A parent is always found before its children, so the reverse order removes leaves first.
  return groups;
}

std::vector<pid_t> processes_below(int dir) {
  std::vector<pid_t> found;
  read_processes(dir, "", found);
  for (const std::string& group : groups_below(dir)) read_processes(dir, group + "/", found);
  return found;
}

void kill_below(int dir) {
  constexpr std::size_t batch = 200;  // descriptors held at once
  std::set<pid_t> told;
  for (;;) {
    std::vector<std::pair<pid_t, sys::UniqueFd>> found;
    for (const pid_t pid : processes_below(dir)) {
      if (told.contains(pid)) continue;
      told.insert(pid);
      // ESRCH: died by itself meanwhile.
      if (sys::UniqueFd process = open_pidfd(pid)) found.emplace_back(pid, std::move(process));
      if (found.size() == batch) break;
    }
    if (found.empty()) return;
    const std::vector<pid_t> now = processes_below(dir);
    const std::set<pid_t> still(now.begin(), now.end());
    for (const auto& [pid, process] : found)
      if (still.contains(pid))
        (void)::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0U);
  }
}

int milliseconds_until(Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

bool wait_for_deaths(int dir, Deadline deadline) {
  for (;;) {
    const std::vector<pid_t> alive = processes_below(dir);
    if (alive.empty()) return true;
    const int left = milliseconds_until(deadline);
    if (left == 0) return false;
    const sys::UniqueFd process = open_pidfd(alive.front());
    // Its number is there, but no thread group leader answers to it: look again shortly.
    pollfd waiting{process.get(), POLLIN, 0};
    (void)::poll(&waiting, 1, process ? left : 1);
    // Dead, but listed until its last thread has left the group.
    if (process && (waiting.revents & POLLIN) != 0 && lists(dir, alive.front()))
      (void)::poll(nullptr, 0, 1);
  }
}

}  // namespace pausa::cgroup
