#include "cgroup/group.hpp"

#include "cgroup/processes.hpp"
#include "cgroup/trees.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace pausa::cgroup {
namespace {

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> read_number(int dir, const std::string& file) {
  const auto text = read_group_file(dir, file);
  return text ? to_number(*text) : std::nullopt;
}

// The value behind "KEY " at the start of a line.
std::optional<std::int64_t> read_keyed(int dir, const std::string& file, const std::string& key) {
  const auto text = read_group_file(dir, file);
  if (!text) return std::nullopt;
  const std::string wanted = "\n" + key + " ";
  const std::string lines = "\n" + *text;
  const std::size_t at = lines.find(wanted);
  if (at == std::string::npos) return std::nullopt;
  return to_number(std::string_view(lines).substr(at + wanted.size()));
}

bool populated(bool v2, int dir) {
  if (v2) return read_keyed(dir, "cgroup.events", "populated").value_or(0) != 0;
  return !processes_below(dir).empty();
}

bool wait_until_empty(bool v2, int dir, Deadline deadline) {
  if (!v2) return wait_for_deaths(dir, deadline);
  const auto events = sys::try_open_at(dir, "cgroup.events", O_RDONLY);
  for (;;) {
    if (!events || !populated(v2, dir)) return true;
    const int left = milliseconds_until(deadline);
    if (left == 0) return false;
    // The poll compares with what this descriptor has read last, so that no change is missed
    // between the look and the wait (kernfs).
    char seen[256];
    (void)!::pread(events.get(), seen, sizeof seen, 0);
    if (!populated(v2, dir)) return true;
    pollfd waiting{events.get(), POLLPRI, 0};
    (void)::poll(&waiting, 1, left);
  }
}

}  // namespace

Group::Group(std::shared_ptr<const Trees> trees, std::string name)
    : trees_(std::move(trees)), name_(std::move(name)) {}
Group::Group(Group&&) noexcept = default;
Group& Group::operator=(Group&&) noexcept = default;
Group::~Group() = default;

std::optional<Group> Group::find(std::shared_ptr<const Trees> trees, const std::string& name) {
  Group group(std::move(trees), name);
  for (const Tree& tree : group.trees_->writable)
    if (auto dir = sys::try_open_at(tree.base.get(), name, O_RDONLY | O_DIRECTORY))
      group.seats_.push_back({&tree, std::move(dir)});
  if (group.seats_.empty()) return std::nullopt;
  return group;
}

// No controllers are handed down: they would not let processes be in both (cgroups(7)).
Group Group::below(const std::string& name) const {
  const Seat* seat = tracker();
  if (seat == nullptr) throw sys::Error(ENOENT, "cgroup " + name_);
  Group group(trees_, name_ + "/" + name);
  const int dir = seat->dir.get();
  // One that was killed would kill at birth (see try_make); one that has processes stays.
  (void)::unlinkat(dir, name.c_str(), AT_REMOVEDIR);
  if (::mkdirat(dir, name.c_str(), 0755) < 0 && errno != EEXIST)
    sys::check(-1, "make cgroup ", group.name_);
  group.seats_.push_back({seat->tree, sys::open_at(dir, name, O_RDONLY | O_DIRECTORY)});
  return group;
}

const Group::Seat* Group::v2_seat() const {
  return !seats_.empty() && seats_.front().tree->v2 ? &seats_.front() : nullptr;
}

const Group::Seat* Group::seat_of(Controller controller) const {
  for (const Seat& seat : seats_)
    if (seat.tree->has(controller)) return &seat;
  return nullptr;
}

const Group::Seat* Group::tracker() const {
  if (const Seat* seat = v2_seat()) return seat;
  if (const Seat* seat = seat_of(Controller::freezer)) return seat;
  return seats_.empty() ? nullptr : &seats_.front();
}

std::vector<std::string> Group::paths() const {
  std::vector<std::string> paths;
  for (const Seat& seat : seats_) paths.push_back(seat.tree->path + "/" + name_);
  return paths;
}

int Group::clone_fd() const {
  const Seat* seat = v2_seat();
  return seat == nullptr ? -1 : seat->dir.get();
}

const std::vector<int>& Group::tasks_fds() {
  if (tasks_.empty()) {
    for (const Seat& seat : seats_) {
      if (seat.tree->v2) continue;
      tasks_.push_back(sys::open_at(seat.dir.get(), "tasks", O_WRONLY));
      tasks_fds_.push_back(tasks_.back().get());
    }
  }
  return tasks_fds_;
}

std::int64_t Group::oom_kills() const {
  const Seat* seat = seat_of(Controller::memory);
  if (seat == nullptr) return 0;
  const char* file = seat->tree->v2 ? "memory.events" : "memory.oom_control";
  return read_keyed(seat->dir.get(), file, "oom_kill").value_or(0);
}

Stats Group::stats() const {
  Stats stats;
  if (const Seat* seat = seat_of(Controller::memory)) {
    const int dir = seat->dir.get();
    const bool v2 = seat->tree->v2;
    stats.memory_bytes = read_number(dir, v2 ? "memory.current" : "memory.usage_in_bytes");
    stats.memory_peak_bytes = read_number(dir, v2 ? "memory.peak" : "memory.max_usage_in_bytes");
    const auto idle = read_keyed(dir, "memory.stat", v2 ? "inactive_file" : "total_inactive_file");
    if (stats.memory_bytes)
      stats.memory_working_bytes =
          std::max<std::int64_t>(0, *stats.memory_bytes - idle.value_or(0));
  }
  if (const Seat* seat = v2_seat())
    stats.cpu_usec = read_keyed(seat->dir.get(), "cpu.stat", "usage_usec");
  if (const Seat* seat = seat_of(Controller::cpuacct); seat != nullptr && !stats.cpu_usec)
    if (const auto nanoseconds = read_number(seat->dir.get(), "cpuacct.usage"))
      stats.cpu_usec = *nanoseconds / 1000;
  std::optional<std::int64_t> tasks;
  if (const Seat* seat = seat_of(Controller::pids))
    tasks = read_number(seat->dir.get(), "pids.current");
  stats.pids = tasks ? *tasks : static_cast<std::int64_t>(processes().size());
  stats.oom_kills = oom_kills();
  return stats;
}

std::vector<pid_t> Group::processes() const {
  const Seat* seat = tracker();
  if (seat == nullptr) return {};
  return processes_below(seat->dir.get());
}

bool Group::empty() const {
  const Seat* seat = tracker();
  return seat == nullptr || !populated(seat->tree->v2, seat->dir.get());
}

bool Group::wait_empty(Deadline deadline) const {
  const Seat* seat = tracker();
  return seat == nullptr || wait_until_empty(seat->tree->v2, seat->dir.get(), deadline);
}

sys::UniqueFd Group::events() const {
  const Seat* seat = v2_seat();
  return seat == nullptr ? sys::UniqueFd()
                         : sys::open_at(seat->dir.get(), "cgroup.events", O_RDONLY);
}

void Group::freeze() const {
  if (const Seat* seat = v2_seat())
    sys::write_file_at(seat->dir.get(), "cgroup.freeze", "1");
  else if (const Seat* freezer = seat_of(Controller::freezer))
    sys::write_file_at(freezer->dir.get(), "freezer.state", "FROZEN");
  else
    throw sys::Error(ENOTSUP, "freeze cgroup " + name_);
}

void Group::thaw() const {
  if (const Seat* seat = v2_seat())
    sys::write_file_at(seat->dir.get(), "cgroup.freeze", "0");
  else if (const Seat* freezer = seat_of(Controller::freezer))
    sys::write_file_at(freezer->dir.get(), "freezer.state", "THAWED");
}

bool Group::frozen() const {
  if (const Seat* seat = v2_seat())
    return read_keyed(seat->dir.get(), "cgroup.events", "frozen").value_or(0) != 0;
  const Seat* freezer = seat_of(Controller::freezer);
  return freezer != nullptr &&
         read_group_file(freezer->dir.get(), "freezer.state").value_or("").starts_with("FROZEN");
}

std::vector<sys::Error> Group::kill() noexcept {
  std::vector<sys::Error> failures;
  const Seat* seat = tracker();
  if (seat == nullptr) return failures;
  const int dir = seat->dir.get();
  // A group that is gone has no such file (ENOENT), or had it until just now (ENODEV).
  const auto write = [&](const char* file, const char* value) {
    try {
      sys::write_file_at(dir, file, value);
      return true;
    } catch (const sys::Error& error) {
      if (error.err() != ENOENT && error.err() != ENODEV) throw;
      return false;
    }
  };
  try {
    if (seat->tree->v2 && write("cgroup.kill", "1")) return failures;
    // v1, or a kernel before 5.14. Nobody forks away while frozen; v1 keeps the signals for the
    // thaw, v2 lets the frozen die.
    const char* file = seat->tree->v2 ? "cgroup.freeze" : "freezer.state";
    const bool can_freeze = seat->tree->v2 || seat->tree->has(Controller::freezer);
    const bool frozen = can_freeze && write(file, seat->tree->v2 ? "1" : "FROZEN");
    kill_below(dir);
    if (frozen) write(file, seat->tree->v2 ? "0" : "THAWED");
  } catch (const std::exception& error) {
    failures.emplace_back("kill cgroup " + name_ + ": " + error.what());
  }
  return failures;
}

void Group::remove_from(const Seat& seat, Deadline deadline) const {
  const int base = seat.tree->base.get();
  const int dir = seat.dir.get();
  for (;;) {
    const std::vector<std::string> inner = groups_below(dir);
    for (auto group = inner.rbegin(); group != inner.rend(); ++group)
      (void)::unlinkat(dir, group->c_str(), AT_REMOVEDIR);
    if (::unlinkat(base, name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) break;
    if (errno != EBUSY) sys::check(-1, "remove ", seat.tree->path, "/", name_);
    if (!wait_until_empty(seat.tree->v2, dir, deadline)) {
      const std::string count = std::to_string(processes_below(dir).size());
      throw sys::Error(
          EBUSY, "remove " + seat.tree->path + "/" + name_ + " (" + count + " processes alive)");
    }
    if (milliseconds_until(deadline) == 0) sys::check(-1, "remove ", seat.tree->path, "/", name_);
    // Empty, but the last one is still on its way out of the kernel, which nothing announces.
    (void)::poll(nullptr, 0, 1);
  }
  const std::size_t slash = name_.find('/');
  if (slash != std::string::npos && name_.find('/', slash + 1) == std::string::npos)
    (void)::unlinkat(base, name_.substr(0, slash).c_str(),
                     AT_REMOVEDIR);  // unless others are in it
}

std::vector<sys::Error> Group::remove(Deadline deadline) noexcept {
  std::vector<sys::Error> failures;
  for (const Seat& seat : seats_) {
    try {
      remove_from(seat, deadline);
    } catch (const sys::Error& error) {
      failures.push_back(error);
    } catch (const std::exception& error) {
      failures.emplace_back("remove cgroup " + name_ + ": " + error.what());
    }
  }
  return failures;
}

}  // namespace pausa::cgroup
