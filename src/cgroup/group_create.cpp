// How a group comes to be, and how it gets its limits.
#include "cgroup/group.hpp"
#include "cgroup/processes.hpp"
#include "cgroup/trees.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace pausa::cgroup {
namespace {

// The kernel wants limit <= limit with swap at all times, so which one goes first depends on the
// direction.
void write_memory_v1(int dir, const Setting& memory, const Setting& swap) {
  try {
    sys::write_file_at(dir, memory.file, memory.value);
  } catch (const sys::Error& error) {
    if (error.err() != EINVAL) throw;
    sys::write_file_at(dir, swap.file, swap.value);
    sys::write_file_at(dir, memory.file, memory.value);
    return;
  }
  try {
    sys::write_file_at(dir, swap.file, swap.value);
  } catch (const sys::Error& error) {
    if (error.err() != ENOENT) throw;
  }
}

void write_setting(int dir, const Setting& setting) {
  try {
    sys::write_file_at(dir, setting.file, setting.value);
  } catch (sys::Error& error) {
    if (setting.optional && error.err() == ENOENT) return;
    throw sys::Error(error.err(), "set " + setting.file + " to " + setting.value);
  }
}

void apply(const Tree& tree, int dir, const Limits& limits) {
  const auto settings = tree.v2 ? settings_v2(limits) : settings_v1(limits);
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Setting& setting = settings[i];
    if (!tree.has(setting.controller)) continue;
    if (!tree.v2 && setting.controller == Controller::memory) {
      write_memory_v1(dir, setting, settings[i + 1]);
      ++i;
    } else {
      write_setting(dir, setting);
    }
  }
}

// Hands controllers down to the children of a v2 group. Those that only serve the statistics are
// taken if they come.
void hand_down(const Tree& tree, int dir, const std::vector<Controller>& needed) {
  const std::string active =
      " " + read_group_file(dir, "cgroup.subtree_control").value_or("") + " ";
  for (const Controller controller : {Controller::cpu, Controller::memory, Controller::pids}) {
    const std::string name = name_of(controller);
    if (!tree.has(controller)) continue;
    if (active.find(" " + name + " ") != std::string::npos ||
        active.find(" " + name + "\n") != std::string::npos)
      continue;
    try {
      sys::write_file_at(dir, "cgroup.subtree_control", "+" + name);
    } catch (const sys::Error& error) {
      if (std::find(needed.begin(), needed.end(), controller) == needed.end()) continue;
      sys::Error told(error.err(), "hand the controller " + name + " down in " + tree.path);
      if (error.err() == EBUSY)
        told.advise(
            "cgroup v2 keeps processes out of groups that hand controllers down: start pausa in a"
            " group of its own (systemd-run --scope -p Delegate=yes pausa …)");
      throw told;
    }
  }
}

// The directories that one create() made: removed again unless it comes to an end.
class Made {
 public:
  Made() = default;
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    for (; !paths_.empty(); paths_.pop_back())
      (void)::unlinkat(paths_.back().first, paths_.back().second.c_str(), AT_REMOVEDIR);
  }
  void add(const Tree& tree, std::string path) {
    paths_.emplace_back(tree.base.get(), std::move(path));
  }
  void keep() { paths_.clear(); }

 private:
  std::vector<std::pair<int, std::string>> paths_;
};

// mkdir -p. An empty owner if a directory on the way was pruned by somebody's remove().
sys::UniqueFd try_make(const Tree& tree, const std::string& name,
                       const std::vector<Controller>& needed, Made& made) {
  auto here = sys::open_at(tree.base.get(), ".", O_RDONLY | O_DIRECTORY);
  for (std::size_t start = 0; start < name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string part = name.substr(start, end - start);
    const std::string path = name.substr(0, end);
    if (tree.v2) hand_down(tree, here.get(), needed);
    // What is left of an earlier life of this group goes first: its counters, and the mark of an
    // earlier cgroup.kill, for which Linux (6.18 does) kills at birth whoever is cloned into it.
    // One that has processes or groups below it stays (EBUSY).
    if (end == name.size()) (void)::unlinkat(here.get(), part.c_str(), AT_REMOVEDIR);
    if (::mkdirat(here.get(), part.c_str(), 0755) == 0)
      made.add(tree, path);
    else if (errno == ENOENT)
      return sys::UniqueFd();
    else if (errno != EEXIST)
      sys::check(-1, "make ", tree.path, "/", path);
    here = sys::try_open_at(here.get(), part, O_RDONLY | O_DIRECTORY);
    if (!here) return here;
    start = end + 1;
  }
  return here;
}

sys::UniqueFd make(const Tree& tree, const std::string& name, const std::vector<Controller>& needed,
                   Made& made) {
  for (int attempt = 0; attempt < 100; ++attempt)
    if (sys::UniqueFd dir = try_make(tree, name, needed, made)) return dir;
  throw sys::Error(ENOENT, "make " + tree.path + "/" + name);
}

}  // namespace

Group Group::make(std::shared_ptr<const Trees> trees, const std::string& name, const Limits& limits,
                  const std::vector<Device>* devices) {
  Group group(std::move(trees), name);
  Made made;
  try {
    const auto needed = needed_for(limits);
    for (const Tree* tree : trees_for(*group.trees_, name, limits, devices != nullptr)) {
      group.seats_.push_back({tree, cgroup::make(*tree, name, needed, made)});
      apply(*tree, group.seats_.back().dir.get(), limits);
    }
    if (devices != nullptr) group.restrict_devices(*devices);
  } catch (sys::Error& error) {
    error.prepend("cgroup " + name);
    throw;
  }
  made.keep();
  return group;
}

void Group::restrict_devices(const std::vector<Device>& devices) const {
  switch (trees_->device_control()) {
    case DeviceControl::none:
      return;  // rootless: nodev mounts and no CAP_MKNOD do the same
    case DeviceControl::bpf:
      return attach_filter(clone_fd(), trees_->device_filter(devices));
    case DeviceControl::v1:
      break;
  }
  const int dir = seat_of(Controller::devices)->dir.get();
  sys::write_file_at(dir, "devices.deny", "a");
  for (const Device& device : devices) sys::write_file_at(dir, "devices.allow", v1_rule(device));
}

void Group::update(const Limits& limits) const {
  for (const Controller controller : needed_for(limits)) {
    if (seat_of(controller) != nullptr) continue;
    sys::Error error("cgroup " + name_ + ": started without the controller " + name_of(controller));
    error.advise("its limit can be changed by a restart only");
    throw error;
  }
  try {
    for (const Seat& seat : seats_) apply(*seat.tree, seat.dir.get(), limits);
  } catch (sys::Error& error) {
    error.prepend("cgroup " + name_);
    throw;
  }
}

}  // namespace pausa::cgroup
