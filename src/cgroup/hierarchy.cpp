#include "cgroup/hierarchy.hpp"

#include "cgroup/group.hpp"
#include "cgroup/trees.hpp"
#include "sys/path.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

namespace pausa::cgroup {
namespace {

constexpr std::array all_controllers = {Controller::cpu,  Controller::cpuacct, Controller::memory,
                                        Controller::pids, Controller::devices, Controller::freezer};
constexpr std::size_t most_text = 4U << 20U;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool contains(const std::vector<std::string_view>& parts, std::string_view wanted) {
  return std::find(parts.begin(), parts.end(), wanted) != parts.end();
}

std::vector<Controller> controllers_in(std::string_view words, char separator) {
  const auto parts = split(words, separator);
  std::vector<Controller> found;
  for (const Controller controller : all_controllers)
    if (contains(parts, name_of(controller))) found.push_back(controller);
  return found;
}

// mountinfo writes blank, tab, newline and backslash as \ooo (proc(5)).
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                 (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct Mounted {
  bool v2 = false;
  std::string root;
  std::string path;
  std::string options;
};

// ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [TAG…] - TYPE SOURCE SUPEROPTIONS (proc(5))
std::optional<Mounted> parse_mount(std::string_view line) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) return std::nullopt;
  const auto before = split(line.substr(0, dash), ' ');
  const auto after = split(line.substr(dash + 3), ' ');
  if (before.size() < 5 || after.size() < 3) return std::nullopt;
  if (after[0] != "cgroup" && after[0] != "cgroup2") return std::nullopt;
  return Mounted{after[0] == "cgroup2", unescape(before[3]), unescape(before[4]),
                 std::string(after[2])};
}

// A directory in which we may make groups and out of which we may move processes.
bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK | X_OK, AT_EACCESS) == 0 &&
         ::faccessat(AT_FDCWD, (path + "/cgroup.procs").c_str(), W_OK, AT_EACCESS) == 0;
}

// The group "0::PATH" of /proc/self/cgroup, as a path below the mount point.
std::string own_group(std::string_view own_groups, const Mounted& mount) {
  for (const std::string_view line : split(own_groups, '\n')) {
    if (!line.starts_with("0::/")) continue;
    std::string path(line.substr(3));
    if (mount.root != "/" && path.starts_with(mount.root)) path.erase(0, mount.root.size());
    return path;
  }
  return "/";
}

// The highest group from the root down to our own that is ours to write, or nothing.
std::optional<std::string> find_base(const Mounted& mount, std::string_view own_groups) {
  std::string path = mount.path;
  if (may_write(path)) return path;
  if (!mount.v2) return std::nullopt;  // a v1 tree cannot be delegated safely (cgroups(7))
  const std::string own = own_group(own_groups, mount);
  for (const std::string_view part : split(own, '/')) {
    if (part.empty()) continue;
    if (part == "..") return std::nullopt;  // outside of our cgroup namespace
    path.append("/").append(part);
    if (may_write(path)) return path;
  }
  return std::nullopt;
}

std::string list_names(const std::vector<Controller>& controllers) {
  std::string text;
  for (const Controller controller : controllers)
    text += (text.empty() ? "" : ", ") + std::string(name_of(controller));
  return text;
}

void check_name(const std::string& name) {
  bool good = !name.empty() && name.front() != '/' && name.back() != '/';
  for (const std::string_view part : split(name, '/'))
    good = good && !part.empty() && part != "." && part != ".." &&
           part.find('\n') == std::string_view::npos;
  if (!good) throw sys::Error(EINVAL, "cgroup name \"" + name + "\"");
}

}  // namespace

bool Tree::has(Controller controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

const Tree* Trees::v2() const {
  return !writable.empty() && writable.front().v2 ? &writable.front() : nullptr;
}

const Tree* Trees::tree_of(Controller controller) const {
  for (const Tree& tree : writable)
    if (tree.has(controller)) return &tree;
  return nullptr;
}

int Trees::device_filter(const std::vector<Device>& allowed) const {
  if (!filter_ || filtered_ != allowed) {
    filter_ = load_filter(allowed);
    filtered_ = allowed;
    sys::check(filter_.get(), "load the device filter");
  }
  return filter_.get();
}

DeviceControl Trees::device_control() const {
  if (!device_control_) {
    device_control_ =
        tree_of(Controller::devices) != nullptr ? DeviceControl::v1 : DeviceControl::none;
    if (v2() != nullptr && (filter_ = load_filter(container_devices()))) {
      device_control_ = DeviceControl::bpf;
      filtered_ = container_devices();
    }
  }
  return *device_control_;
}

std::vector<const Tree*> trees_for(const Trees& trees, const std::string& name,
                                   const Limits& limits, bool devices) {
  std::set<const Tree*> wanted;
  for (const Controller controller : needed_for(limits)) wanted.insert(trees.tree_of(controller));
  if (trees.v2() == nullptr) wanted.insert(trees.tree_of(Controller::freezer));
  if (devices && trees.device_control() == DeviceControl::v1)
    wanted.insert(trees.tree_of(Controller::devices));
  const std::size_t slash = name.rfind('/');
  const std::string above = slash == std::string::npos ? "" : name.substr(0, slash);
  const bool below_a_pod = above.find('/') != std::string::npos;
  std::vector<const Tree*> chosen;
  for (const Tree& tree : trees.writable)
    if (tree.v2 || wanted.contains(&tree) ||
        (below_a_pod && ::faccessat(tree.base.get(), above.c_str(), F_OK, 0) == 0))
      chosen.push_back(&tree);
  return chosen;
}

Hierarchy Hierarchy::detect() {
  const auto mounts = sys::read_file_at(AT_FDCWD, "/proc/self/mountinfo", most_text);
  const auto own = sys::read_file_at(AT_FDCWD, "/proc/self/cgroup", most_text);
  return detect(mounts.value_or(""), own.value_or(""));
}

Hierarchy Hierarchy::detect(std::string_view mountinfo, std::string_view own_groups) {
  auto trees = std::make_shared<Trees>();
  std::set<std::string> seen;  // a tree may be mounted at several places: the first counts
  for (const std::string_view line : split(mountinfo, '\n')) {
    const std::optional<Mounted> mount = parse_mount(line);
    if (!mount || !seen.insert(mount->v2 ? "cgroup2" : mount->options).second) continue;
    (mount->v2 ? trees->v2_mounted : trees->v1_mounted) = true;
    std::vector<Controller> controllers;
    if (!mount->v2) controllers = controllers_in(mount->options, ',');
    if (!mount->v2 && controllers.empty()) continue;  // name=systemd, net_cls, …
    const std::optional<std::string> base = find_base(*mount, own_groups);
    if (mount->v2) {
      const auto words = sys::read_file_at(
          AT_FDCWD, (base ? *base : mount->path) + "/cgroup.controllers", most_text);
      std::string flat = words.value_or("");
      std::replace(flat.begin(), flat.end(), '\n', ' ');
      controllers = controllers_in(flat, ' ');
    }
    if (!base) {
      trees->out_of_reach.insert(trees->out_of_reach.end(), controllers.begin(), controllers.end());
      continue;
    }
    Tree tree{mount->v2, *base, sys::open_dir(*base), std::move(controllers)};
    trees->writable.insert(mount->v2 ? trees->writable.begin() : trees->writable.end(),
                           std::move(tree));
  }
  return Hierarchy(std::move(trees));
}

Mode Hierarchy::mode() const {
  if (trees_->v1_mounted) return trees_->v2_mounted ? Mode::hybrid : Mode::v1;
  return trees_->v2_mounted ? Mode::v2 : Mode::none;
}

bool Hierarchy::has(Controller controller) const {
  return trees_->tree_of(controller) != nullptr;
}

bool Hierarchy::tracks() const {
  return trees_->v2() != nullptr || has(Controller::freezer);
}

DeviceControl Hierarchy::device_control() const {
  return trees_->device_control();
}

std::optional<std::string> Hierarchy::why_not(const Limits& limits) const {
  std::vector<Controller> denied;
  std::vector<Controller> missing;
  for (const Controller controller : needed_for(limits)) {
    if (has(controller)) continue;
    const auto& far = trees_->out_of_reach;
    const bool there = std::find(far.begin(), far.end(), controller) != far.end();
    (there || (trees_->v2_mounted && ::geteuid() != 0) ? denied : missing).push_back(controller);
  }
  if (!denied.empty()) {
    const std::string names = list_names(denied);
    if (mode() == Mode::v2)
      return "this user may not limit " + names +
             "; delegate it (systemctl edit user@.service: [Service] Delegate=cpu memory pids) and"
             " start pausa below it (systemd-run --user --scope -p Delegate=yes pausa …), or run"
             " pausa as root";
    return "this user may not limit " + names +
           ": cgroup v1 cannot be delegated; run pausa as root, boot with"
           " systemd.unified_cgroup_hierarchy=1, or leave the limit out";
  }
  if (!missing.empty()) {
    const std::string names = list_names(missing);
    if (mode() == Mode::none)
      return "no control groups are mounted, so " + names +
             " cannot be limited; mount -t cgroup2 none /sys/fs/cgroup";
    return "no cgroup controller for " + names +
           " is at hand; look at /proc/cgroups: boot with cgroup_enable=" +
           name_of(missing.front()) + ", or mount -t cgroup -o " + name_of(missing.front()) +
           " none /sys/fs/cgroup/" + name_of(missing.front());
  }
  return std::nullopt;
}

std::vector<std::string> Hierarchy::plan_paths(const std::string& name, const Limits& limits,
                                               bool devices) const {
  check_name(name);
  std::vector<std::string> paths;
  for (const Tree* tree : trees_for(*trees_, name, limits, devices))
    paths.push_back(tree->path + "/" + name);
  return paths;
}

std::vector<std::string> Hierarchy::list(const std::string& name) const {
  check_name(name);
  std::set<std::string> names;
  for (const Tree& tree : trees_->writable) {
    const auto dir = sys::try_open_at(tree.base.get(), name, O_RDONLY | O_DIRECTORY);
    if (!dir) continue;
    for (const std::string& entry : sys::list_dir(dir.get())) {
      struct stat info {};
      if (::fstatat(dir.get(), entry.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISDIR(info.st_mode))
        names.insert(entry);
    }
  }
  return {names.begin(), names.end()};
}

Group Hierarchy::create(const std::string& name, const Limits& limits,
                        const std::vector<Device>* devices) const {
  check_name(name);
  if (const auto reason = why_not(limits)) throw sys::Error("cgroup " + name + ": " + *reason);
  return Group::make(trees_, name, limits, devices);
}

std::optional<Group> Hierarchy::open(const std::string& name) const {
  check_name(name);
  return Group::find(trees_, name);
}

}  // namespace pausa::cgroup
