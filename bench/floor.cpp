// The floor: the least kernel work for a pod of three confined members with limits, without any
// manager. `pausa` and its peers cannot be faster than this on the same machine; the benchmark
// prints them as multiples of it.
//
//   floor up|down|exec NAME    one pod; exec runs /bin/true in member a
//   floor ps                   the pods that run
//   floor log BYTES CHUNK      a writer of CHUNK-byte writes, its pipe spliced to a file
//
// FLOOR_ROOT (on disk) holds rootfs/, pods/ and trash/; FLOOR_RUN (on tmpfs) one small file a pod.
// What is made: infra in new PID, network, IPC and UTS namespaces with loopback up; a control group
// for the pod and one for each member, with limits, in memory, cpu and pids (v1) or one tree (v2);
// for each member its own mount and cgroup namespace, an overlay, proc, sys, dev, pts, shm and
// mqueue, masked and read-only paths, pivot_root, eleven capabilities, a system call filter,
// execve. What is not: logs, restarts, a record to recover from, any check of anything.
//
// Three choices keep it honest, that is low. Infra forks the members itself, so that nobody needs
// setns. On v1 a member moves itself by writing "0" to `tasks`: for a single thread that moves
// itself the kernel (5.5 and later) skips the lock that makes `cgroup.procs` wait for an RCU grace
// period, 0.1 ms against 5 to 15. And down renames the members' layers into trash/ instead of
// removing them (a folder removed from a disk with online discard costs about a millisecond);
// whoever times it empties that folder between the rounds.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr std::array members{"a", "b", "c"};
constexpr std::array controllers{"memory", "cpu", "pids"};
constexpr unsigned long pod_namespaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

std::string root_folder;
std::string run_folder;

// check(call, "what"): a failure ends the program, it is a benchmark's.
template <typename T>
T check(T result, const char* what) {
  if (result >= 0) return result;
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
  _exit(1);
}

void write_to(int fd, const char* text) {
  check(::write(fd, text, std::strlen(text)), text);
}

void write_file(const std::string& path, const std::string& text) {
  const int fd =
      check(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), path.c_str());
  write_to(fd, text.c_str());
  ::close(fd);
}

std::string read_file(const std::string& path) {
  std::array<char, 4096> text{};
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t size = ::read(fd, text.data(), text.size());
  ::close(fd);
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

// ---- control groups

// Where a pure v2 tree with controllers is, there it is at the root of the mount.
bool unified() {
  static const bool yes = ::access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
  return yes;
}

std::string group(const char* controller, const std::string& name) {
  const std::string top = "/sys/fs/cgroup/";
  return (unified() ? top : top + controller + "/") + "floor-" + name;
}

void make_group(const std::string& folder, bool limits) {
  check(::mkdir(folder.c_str(), 0755), folder.c_str());
  if (unified()) {
    if (!limits) {
      write_file(folder + "/cgroup.subtree_control", "+memory +cpu +pids");
      return;
    }
    write_file(folder + "/memory.max", "67108864");
    write_file(folder + "/cpu.max", "50000 100000");
    write_file(folder + "/pids.max", "2048");
  } else if (limits) {
    if (folder.find("/memory/") != folder.npos) {
      write_file(folder + "/memory.limit_in_bytes", "67108864");
    } else if (folder.find("/cpu/") != folder.npos) {
      write_file(folder + "/cpu.cfs_quota_us", "50000");
    } else {
      write_file(folder + "/pids.max", "2048");
    }
  }
}

// The ways into a member's groups: one folder on v2, one `tasks` file a controller on v1.
using Ways = std::vector<int>;

Ways open_ways(const std::string& name) {
  Ways ways;
  if (unified()) {
    ways.push_back(
        check(::open(group("", name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open group"));
    return ways;
  }
  for (const char* controller : controllers) {
    const std::string tasks = group(controller, name) + "/tasks";
    ways.push_back(check(::open(tasks.c_str(), O_WRONLY | O_CLOEXEC), tasks.c_str()));
  }
  return ways;
}

template <typename Do>
void for_each_group(const std::string& pod, Do&& act) {
  for (const char* controller : controllers) {
    act(group(controller, pod), false);
    for (const char* member : members) act(group(controller, pod + "/" + member), true);
    if (unified()) return;
  }
}

// ---- a member, from clone to execve

pid_t clone_into(unsigned long flags, const Ways* ways) {
  clone_args args{};
  args.flags = flags;
  args.exit_signal = SIGCHLD;
  if (ways != nullptr && unified()) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(ways->front());
  }
  return static_cast<pid_t>(check(::syscall(SYS_clone3, &args, sizeof args), "clone3"));
}

void join(const Ways& ways) {
  if (unified()) return;
  for (const int tasks : ways) write_to(tasks, "0");
}

void mask(const char* path) {
  struct stat info {};
  if (::lstat(path, &info) != 0) return;
  if (S_ISDIR(info.st_mode)) {
    check(::mount("tmpfs", path, "tmpfs", MS_RDONLY, "size=0k"), path);
  } else {
    check(::mount("/dev/null", path, nullptr, MS_BIND, nullptr), path);
  }
}

void make_read_only(const char* path) {
  if (::mount(path, path, nullptr, MS_BIND | MS_REC, nullptr) != 0) return;
  constexpr unsigned long flags =
      MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  check(::mount(nullptr, path, nullptr, flags, nullptr), path);
}

void enter_root(const std::string& folder) {
  constexpr unsigned long safe = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), "slave /");
  const std::string options = "lowerdir=" + root_folder + "/rootfs,upperdir=" + folder +
                              "/u,workdir=" + folder + "/w,volatile";
  const std::string root = folder + "/m";
  check(::mount("overlay", root.c_str(), "overlay", MS_NODEV, options.c_str()), "overlay");
  check(::chdir(root.c_str()), "chdir");
  check(::mount("proc", "proc", "proc", safe, nullptr), "proc");
  check(::mount("sysfs", "sys", "sysfs", safe | MS_RDONLY, nullptr), "sysfs");
  check(::mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=755,size=64m"), "dev");
  for (const char* name : {"dev/pts", "dev/shm", "dev/mqueue"}) check(::mkdir(name, 0755), name);
  check(::mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
                "newinstance,ptmxmode=0666,mode=0620,gid=5"),
        "devpts");
  check(::mount("shm", "dev/shm", "tmpfs", safe, "mode=1777,size=64000k"), "shm");
  check(::mount("mqueue", "dev/mqueue", "mqueue", safe, nullptr), "mqueue");
  struct Device {
    const char* path;
    unsigned major;
    unsigned minor;
  };
  ::umask(0);
  for (const Device& device :
       {Device{"dev/null", 1, 3}, Device{"dev/zero", 1, 5}, Device{"dev/full", 1, 7},
        Device{"dev/random", 1, 8}, Device{"dev/urandom", 1, 9}, Device{"dev/tty", 5, 0}}) {
    check(::mknod(device.path, S_IFCHR | 0666, ::makedev(device.major, device.minor)), "mknod");
  }
  ::umask(022);
  (void)::symlink("pts/ptmx", "dev/ptmx");
  (void)::symlink("/proc/self/fd", "dev/fd");
  (void)::symlink("fd/0", "dev/stdin");
  (void)::symlink("fd/1", "dev/stdout");
  (void)::symlink("fd/2", "dev/stderr");
  for (const char* path : {"proc/acpi", "proc/interrupts", "proc/kcore", "proc/keys", "proc/scsi",
                           "proc/timer_list", "sys/firmware", "sys/devices/virtual/powercap"}) {
    mask(path);
  }
  for (const char* path : {"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger"}) {
    make_read_only(path);
  }
  check(::syscall(SYS_pivot_root, ".", "."), "pivot_root");
  check(::umount2(".", MNT_DETACH), "umount");
  check(::chdir("/"), "chdir");
}

void confine() {
  constexpr std::uint32_t keep = 0x800405fb;  // the eleven that podman and pausa leave
  for (unsigned long cap = 0; cap <= CAP_LAST_CAP; ++cap) {
    if (cap > 31 || (keep >> cap & 1) == 0) (void)::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  }
  // Before the capabilities go: a filter needs either CAP_SYS_ADMIN or no_new_privs.
  constexpr std::array<unsigned, 48> refused{SYS_acct,
                                             SYS_add_key,
                                             SYS_bpf,
                                             SYS_clock_settime,
                                             SYS_delete_module,
                                             SYS_finit_module,
                                             SYS_fsconfig,
                                             SYS_fsmount,
                                             SYS_fsopen,
                                             SYS_fspick,
                                             SYS_init_module,
                                             SYS_io_uring_enter,
                                             SYS_io_uring_setup,
                                             SYS_kcmp,
                                             SYS_kexec_load,
                                             SYS_keyctl,
                                             SYS_lookup_dcookie,
                                             SYS_mbind,
                                             SYS_migrate_pages,
                                             SYS_mount,
                                             SYS_mount_setattr,
                                             SYS_move_mount,
                                             SYS_move_pages,
                                             SYS_name_to_handle_at,
                                             SYS_nfsservctl,
                                             SYS_open_tree,
                                             SYS_perf_event_open,
                                             SYS_personality,
                                             SYS_pidfd_getfd,
                                             SYS_pivot_root,
                                             SYS_ptrace,
                                             SYS_quotactl,
                                             SYS_reboot,
                                             SYS_request_key,
                                             SYS_set_mempolicy,
                                             SYS_setdomainname,
                                             SYS_sethostname,
                                             SYS_setns,
                                             SYS_settimeofday,
                                             SYS_swapoff,
                                             SYS_swapon,
                                             SYS_syslog,
                                             SYS_umount2,
                                             SYS_unshare,
                                             SYS_userfaultfd,
                                             SYS_vhangup,
                                             SYS_process_vm_readv,
                                             SYS_process_vm_writev};
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
  for (std::size_t i = 0; i < refused.size(); ++i) {
    const auto away = static_cast<std::uint8_t>(refused.size() - i);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refused[i], away, 0));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  check(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), "seccomp");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> caps{};
  caps[0].effective = caps[0].permitted = keep;
  check(::syscall(SYS_capset, &header, caps.data()), "capset");
}

[[noreturn]] void execute(const char* program, const char* argument) {
  const std::array<const char*, 3> arguments{program, argument, nullptr};
  const std::array<const char*, 2> environment{"PATH=/bin", nullptr};
  ::execve(program, const_cast<char**>(arguments.data()), const_cast<char**>(environment.data()));
  check(-1, program);
  _exit(1);
}

void raise_loopback() {
  const int fd = check(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  check(::ioctl(fd, SIOCSIFFLAGS, &request), "lo up");
  ::close(fd);
}

// ---- a pod

std::string pod_folder(const std::string& pod) {
  return root_folder + "/pods/" + pod;
}

[[noreturn]] void be_infra(const std::string& pod, const std::array<Ways, 3>& ways, int report) {
  check(::setsid(), "setsid");
  check(::sethostname(pod.c_str(), pod.size()), "sethostname");
  raise_loopback();
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (clone_into(0, &ways[i]) != 0) continue;
    join(ways[i]);
    check(::unshare(CLONE_NEWNS | CLONE_NEWCGROUP), "unshare");
    enter_root(pod_folder(pod) + "/" + members[i]);
    confine();
    execute("/bin/sleep", "86400");
  }
  ::prctl(PR_SET_NAME, "floor-infra");
  ::close(report);
  for (const int stdio : {0, 1, 2}) ::close(stdio);
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  for (int signal = 0;;) {
    (void)::sigwait(&all, &signal);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
  }
}

void up(const std::string& pod) {
  check(::mkdir(pod_folder(pod).c_str(), 0700), "mkdir pod");
  for (const char* member : members) {
    const std::string folder = pod_folder(pod) + "/" + member;
    check(::mkdir(folder.c_str(), 0700), "mkdir member");
    for (const char* part : {"/u", "/w", "/m"}) check(::mkdir((folder + part).c_str(), 0755), part);
  }
  for_each_group(pod, make_group);
  std::array<Ways, 3> ways;
  for (std::size_t i = 0; i < members.size(); ++i) ways[i] = open_ways(pod + "/" + members[i]);

  // Everybody below holds the write end until execve; when it is closed, all three run.
  std::array<int, 2> report{};
  check(::pipe2(report.data(), O_CLOEXEC), "pipe");
  const pid_t infra = clone_into(pod_namespaces, nullptr);
  if (infra == 0) be_infra(pod, ways, report[1]);
  ::close(report[1]);
  char nothing = 0;
  (void)::read(report[0], &nothing, 1);

  const std::string pid = std::to_string(infra);
  write_file(run_folder + "/" + pod,
             pid + " " + read_file("/proc/" + pid + "/task/" + pid + "/children"));
}

std::vector<pid_t> processes_of(const std::string& pod) {
  std::vector<pid_t> pids;
  const std::string text = read_file(run_folder + "/" + pod);
  for (const char* at = text.c_str(); *at != '\0';) {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) break;
    pids.push_back(static_cast<pid_t>(pid));
    at = end;
  }
  if (pids.size() != members.size() + 1) {
    std::fprintf(stderr, "floor: no pod %s\n", pod.c_str());
    _exit(4);
  }
  return pids;
}

int open_process(pid_t pid) {
  return static_cast<int>(check(::syscall(SYS_pidfd_open, pid, 0), "pidfd_open"));
}

void end(int pidfd, int signal) {
  check(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0), "signal");
}

void wait_for(int pidfd) {
  pollfd wait{pidfd, POLLIN, 0};
  check(::poll(&wait, 1, 30'000), "poll");
}

void down(const std::string& pod) {
  std::vector<int> pidfds;
  for (const pid_t pid : processes_of(pod)) pidfds.push_back(open_process(pid));
  for (std::size_t i = 1; i < pidfds.size(); ++i) end(pidfds[i], SIGTERM);
  for (std::size_t i = 1; i < pidfds.size(); ++i) wait_for(pidfds[i]);
  end(pidfds[0], SIGKILL);
  wait_for(pidfds[0]);
  std::vector<std::string> groups;
  for_each_group(pod, [&](const std::string& folder, bool) { groups.push_back(folder); });
  std::reverse(groups.begin(), groups.end());
  for (const std::string& folder : groups) check(::rmdir(folder.c_str()), folder.c_str());
  const std::string trash = root_folder + "/trash/" + pod + "." + std::to_string(::getpid());
  check(::rename(pod_folder(pod).c_str(), trash.c_str()), "rename to trash");
  check(::unlink((run_folder + "/" + pod).c_str()), "unlink");
}

int exec_true(const std::string& pod) {
  const int member = open_process(processes_of(pod)[1]);
  const Ways ways = open_ways(pod + "/" + members[0]);
  check(::setns(member, static_cast<int>(pod_namespaces | CLONE_NEWNS | CLONE_NEWCGROUP)), "setns");
  const pid_t child = clone_into(0, &ways);
  if (child == 0) {
    join(ways);
    confine();
    execute("/bin/true", nullptr);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

void list() {
  DIR* folder = ::opendir(run_folder.c_str());
  if (folder == nullptr) return;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string pod = entry->d_name;
    if (pod[0] == '.') continue;
    const pid_t infra = processes_of(pod)[0];
    const bool runs = !read_file("/proc/" + std::to_string(infra) + "/stat").empty();
    std::printf("%-20s %s %d\n", pod.c_str(), runs ? "Running" : "Dead", infra);
  }
  ::closedir(folder);
}

// A pipe of 1 MiB, drained into a file by splice, about a millisecond apart while it is hot: lines
// of the writer then share pages and wake-ups.
int log_throughput(std::size_t bytes, std::size_t chunk) {
  std::array<int, 2> pipe{};
  check(::pipe2(pipe.data(), O_CLOEXEC), "pipe");
  (void)::fcntl(pipe[1], F_SETPIPE_SZ, 1 << 20);
  const pid_t writer = check(::fork(), "fork");
  if (writer == 0) {
    ::close(pipe[0]);
    std::string text(chunk, 'x');
    for (std::size_t at = 79; at < chunk; at += 80) text[at] = '\n';
    for (std::size_t done = 0; done < bytes;) {
      done += static_cast<std::size_t>(check(::write(pipe[1], text.data(), chunk), "write"));
    }
    _exit(0);
  }
  ::close(pipe[1]);
  const std::string path = root_folder + "/log";
  const int file =
      check(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open log");
  ssize_t moved = 0;
  while ((moved = ::splice(pipe[0], nullptr, file, nullptr, 1 << 20, SPLICE_F_MOVE)) > 0) {
    if (moved < 64 * 1024) {
      const timespec pause{0, 1'000'000};
      ::nanosleep(&pause, nullptr);
    }
  }
  check(moved, "splice");
  check(::waitpid(writer, nullptr, 0), "waitpid");
  ::unlink(path.c_str());
  return 0;
}

int usage() {
  std::fputs("usage: floor up|down|exec NAME | ps | log BYTES CHUNK\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const char* root = std::getenv("FLOOR_ROOT");
  const char* run = std::getenv("FLOOR_RUN");
  if (argc < 2 || root == nullptr || run == nullptr) return usage();
  root_folder = root;
  run_folder = run;
  const std::string command = argv[1];
  if (command == "ps") return list(), 0;
  if (argc < 3) return usage();
  if (command == "up") return up(argv[2]), 0;
  if (command == "down") return down(argv[2]), 0;
  if (command == "exec") return exec_true(argv[2]);
  if (command == "log" && argc == 4) {
    return log_throughput(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
  }
  return usage();
}
