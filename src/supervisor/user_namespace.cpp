#include "supervisor/user_namespace.hpp"

#include "security/idmap.hpp"
#include "supervisor/helper_child.hpp"
#include "sys/error.hpp"
#include "sys/mount.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"
#include "sys/socket.hpp"
#include "sys/tool.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

namespace pausa::supervisor {
namespace {

constexpr std::size_t text_limit = 1U << 20U;
constexpr std::uint32_t first_block = 1U << 20U;
// (uid_t)-1 means "no change" to the kernel, and ids above 2^31 are trouble for some programs.
constexpr std::uint32_t blocks_end = 1U << 31U;

const char* const how_to_get_ids =
    "add a line for yourself to /etc/subuid and /etc/subgid (usermod --add-subuids 100000-165535 "
    "--add-subgids 100000-165535 NAME) and install newuidmap (package uidmap)";

// The kernel wants the maps written from outside: more than one id needs the privilege that
// newuidmap has there (user_namespaces(7)). So a child stays behind to do it.
void unshare_user_namespace() {
  const auto maps = security::rootless_maps();
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t self = ::getpid();
  const pid_t writer = sys::check(::fork(), "start a helper to map the user namespace");
  if (writer == 0) {
    ours.reset();
    char go = 0;
    int none = -1;
    if (sys::receive_packet(theirs.get(), &go, 1, none) != 1) ::_exit(0);
    report_and_end(theirs, [&] {
      sys::close_all_but({theirs.get()});
      security::write_id_maps(self, maps);
    });
  }
  const Child child(writer);
  const sys::UniqueFd socket = std::move(ours);  // closed before the child is waited for
  theirs.reset();
  if (::unshare(CLONE_NEWUSER) < 0) {
    sys::Error error(errno, "make a user namespace");
    error.advise(
        "user namespaces may be switched off: look at sysctl user.max_user_namespaces, "
        "kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns");
    throw error;
  }
  const char go = 1;
  (void)sys::send_packet(socket.get(), &go, sizeof go);
  (void)hear_report(socket, child, "map the user namespace");
}

void become_root_inside() {
  // Denied for good where only one group is mapped; the user's own groups stay then.
  (void)::syscall(SYS_setgroups, 0, nullptr);
  sys::check(::setresgid(0, 0, 0), "become group 0 of the user namespace");
  sys::check(::setresuid(0, 0, 0), "become root of the user namespace");
  sys::check(::unshare(CLONE_NEWNS), "make a mount namespace");
  sys::check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr),
             "keep mounts from the host");
}

// The lines "INSIDE OUTSIDE COUNT" of our own map.
std::uint32_t ids_of_map(const char* path) {
  std::istringstream lines(sys::read_file_at(AT_FDCWD, path, text_limit).value_or(""));
  security::IdMap map;
  for (security::IdRange range; lines >> range.inside >> range.outside >> range.count;)
    map.push_back(range);
  return security::ids_from_zero(map);
}

struct Block {
  std::uint64_t first;
  std::uint64_t end;
};

// "name:first:count", whoever it is.
void add_subordinate(const char* path, std::vector<Block>& taken) {
  std::istringstream lines(sys::read_file_at(AT_FDCWD, path, text_limit).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const auto name_end = line.find(':');
    if (name_end == std::string::npos) continue;
    std::istringstream numbers(line.substr(name_end + 1));
    std::uint64_t first = 0;
    std::uint64_t count = 0;
    char colon = 0;
    if (numbers >> first >> colon >> count && colon == ':') taken.push_back({first, first + count});
  }
}

}  // namespace

void enter_new_user_namespace() {
  unshare_user_namespace();
  become_root_inside();
}

void enter_pod_user_namespace(int infra_pidfd) {
  sys::check(::setns(infra_pidfd, CLONE_NEWUSER), "join the pod's user namespace");
  become_root_inside();
}

void enter_user_namespace_of(int ns) {
  const auto owner = sys::owner_of_namespace(ns);
  struct ::stat ours {};
  struct ::stat theirs {};
  sys::check(::stat("/proc/self/ns/user", &ours), "look at our user namespace");
  sys::check(::fstat(owner.get(), &theirs), "look at a user namespace");
  if (ours.st_ino != theirs.st_ino)
    sys::check(::setns(owner.get(), CLONE_NEWUSER), "join the user namespace of the user's pods");
  become_root_inside();
}

void enter_user_namespace(Host& host, int infra_pidfd, int network) {
  if (host.root) return;
  if (infra_pidfd >= 0)
    enter_pod_user_namespace(infra_pidfd);
  else if (network >= 0)
    enter_user_namespace_of(network);
  else
    enter_new_user_namespace();
  host.caps = security::host_caps();
  host.mapped_ids = std::min(ids_of_map("/proc/self/uid_map"), ids_of_map("/proc/self/gid_map"));
}

void with_subordinate_ids(const std::function<void()>& work) {
  if (::geteuid() == 0) return work();
  // Images may come slowly, and volumes be large.
  constexpr std::chrono::hours patience(24);
  const pid_t parent = ::getpid();
  const auto inside = [&] {
    enter_new_user_namespace();
    sys::die_with(parent);
    work();
  };
  (void)do_in_child("work in a user namespace", std::nullopt, inside, patience);
}

std::uint32_t mapped_ids(const Host& host, const state::Record& record) {
  return record.user_namespace ? security::block_size : host.mapped_ids;
}

void require_mapped(std::uint32_t id, std::uint32_t mapped, const std::string& what) {
  if (id < mapped) return;
  const std::string text = what + " " + std::to_string(id) + " is not mapped in the pod: ";
  if (mapped == security::block_size)
    throw sys::Error(text + "a pod with hostUsers: false has ids 0 to 65535");
  if (mapped == 1) throw sys::Error(text + "you have no subordinate ids; " + how_to_get_ids);
  throw sys::Error(text + "your ids there are 0 to " + std::to_string(mapped - 1) + "; " +
                   how_to_get_ids);
}

void require_mapped_ids(const pod::Spec& spec, std::uint32_t mapped) {
  const auto check = [&](const auto& id, const char* what) {
    if (id) require_mapped(static_cast<std::uint32_t>(*id), mapped, what);
  };
  check(spec.security.run_as_user, "runAsUser");
  check(spec.security.run_as_group, "runAsGroup");
  check(spec.security.fs_group, "fsGroup");
  for (const auto group : spec.security.supplemental_groups)
    require_mapped(static_cast<std::uint32_t>(group), mapped, "supplementalGroups:");
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list) {
      check(container.security.run_as_user, "runAsUser");
      check(container.security.run_as_group, "runAsGroup");
    }
}

sys::UniqueFd open_user_namespace(int infra_pidfd) {
  const pid_t pid = sys::pid_of(infra_pidfd);
  if (pid <= 0) throw sys::Error("the pod's infra process is gone");
  sys::UniqueFd fd = sys::open_at(AT_FDCWD, "/proc/" + std::to_string(pid) + "/ns/user", O_RDONLY);
  // Alive still: the pid has meant this process all the while.
  if (!sys::send_signal(infra_pidfd, 0)) throw sys::Error("the pod's infra process is gone");
  return fd;
}

std::vector<std::pair<std::string, sys::UniqueFd>> open_host_devices() {
  std::vector<std::pair<std::string, sys::UniqueFd>> devices;
  for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
    const std::string path = std::string("/dev/") + name;
    sys::UniqueFd fd(
        sys::check(sys::open_tree(AT_FDCWD, path.c_str(),
                                  static_cast<unsigned>(OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)),
                   "take the host's ", path));
    devices.emplace_back(name, std::move(fd));
  }
  return devices;
}

void allocate_ids(const state::Store& store, state::Record& record) {
  const std::string path = store.paths().run_root + "/ids.lock";
  const sys::UniqueFd lock = sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  // Held for as long as it takes to read the records; by nobody who waits for anything.
  while (::fcntl(lock.get(), F_OFD_SETLKW, &whole) < 0)
    if (errno != EINTR) throw sys::Error(errno, "lock " + path);

  std::vector<Block> taken;
  std::vector<state::Damaged> damaged;
  const auto others = store.list(&damaged);
  // Two pods with the same ids would own each other's files.
  if (!damaged.empty())
    throw sys::Error("which ids are free cannot be told: " + damaged.front().why);
  for (const auto& other : others)
    if (other.user_namespace && !(other.key == record.key))
      taken.push_back({other.id_base, other.id_base + std::uint64_t{security::block_size}});
  add_subordinate("/etc/subuid", taken);
  add_subordinate("/etc/subgid", taken);
  std::sort(taken.begin(), taken.end(),
            [](const Block& a, const Block& b) { return a.first < b.first; });
  std::uint64_t base = first_block;
  for (const auto& block : taken)
    if (block.end > base && block.first < base + security::block_size) base = block.end;
  if (base + security::block_size > blocks_end)
    throw sys::Error("every block of 65536 ids is taken; remove pods that have hostUsers: false");
  record.user_namespace = true;
  record.id_base = static_cast<std::uint32_t>(base);
  store.write(record);
}

}  // namespace pausa::supervisor
