// Groups on this machine's own trees, under a name of this test's, removed again.
#include "cgroup/group.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>

using namespace pausa;
using cgroup::Controller;
using cgroup::Group;
using cgroup::Hierarchy;
using namespace std::chrono_literals;

namespace {

const std::string top = "pausa-test-" + std::to_string(::getpid());

auto in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

// This machine, and what it is without its v2 tree if it has another.
std::vector<Hierarchy> machines() {
  std::vector<Hierarchy> all = {Hierarchy::detect()};
  if (all[0].mode() != cgroup::Mode::hybrid) return all;
  const auto mounts = sys::read_file_at(AT_FDCWD, "/proc/self/mountinfo", 1U << 20U).value_or("");
  std::string v1;
  for (std::size_t start = 0; start < mounts.size();) {
    const std::size_t end = std::min(mounts.find('\n', start), mounts.size());
    const std::string line = mounts.substr(start, end - start);
    if (line.find(" - cgroup2 ") == std::string::npos) v1 += line + "\n";
    start = end + 1;
  }
  all.push_back(Hierarchy::detect(v1, ""));
  return all;
}

bool can_use_groups() {
  return ::geteuid() == 0 && Hierarchy::detect().tracks();
}
bool can_limit(Controller controller) {
  return can_use_groups() && Hierarchy::detect().has(controller);
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

// A child born in the group as the launch does it: into v2 by clone3, into v1 by its own writes.
pid_t start_in(Group& group, const std::function<int()>& work) {
  const std::vector<int>& tasks = group.tasks_fds();
  clone_args args{};
  args.exit_signal = SIGCHLD;
  if (group.clone_fd() >= 0) {
    args.flags = CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(group.clone_fd());
  }
  int ends[2];
  sys::check(::pipe2(ends, O_CLOEXEC), "pipe");
  const sys::UniqueFd joined(ends[0]);
  sys::UniqueFd report(ends[1]);
  const auto child = static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
  sys::check(child, "clone3");
  if (child == 0) {
    for (const int fd : tasks)
      if (::write(fd, "0", 1) != 1) ::_exit(99);
    report.reset();
    ::_exit(work());
  }
  report.reset();
  char none = 0;
  (void)!::read(joined.get(), &none, 1);  // end of file: it has joined
  return child;
}

int end_of(pid_t child) {
  int status = 0;
  sys::check(::waitpid(child, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int sleep_forever() {
  for (;;) ::pause();
}

// Removes the group when the case is over, whatever happened in it.
struct Scoped {
  explicit Scoped(Group made) : group(std::move(made)) {}
  Scoped(const Scoped&) = delete;
  Scoped& operator=(const Scoped&) = delete;
  ~Scoped() {
    group.kill();
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {}
    for (const sys::Error& error : group.remove(in(5s))) MESSAGE(error.what());
  }
  Group group;
};

}  // namespace

TEST_SUITE("group/unit" * doctest::skip(!can_use_groups())) {
  TEST_CASE("a group is made, found again, removed, and leaves nothing") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      const std::string name = top + "/u/web";
      std::vector<std::string> paths;
      {
        Scoped pod(machine.create(top + "/u", {}));
        Scoped web(machine.create(name, {}));
        paths = web.group.paths();
        CHECK(paths == machine.plan_paths(name, {}, false));
        for (const std::string& path : paths) CHECK(exists(path));
        CHECK(machine.open(name));
        CHECK(machine.list(top) == std::vector<std::string>{"u"});
        CHECK(machine.list(top + "/u") == std::vector<std::string>{"web"});
        CHECK(web.group.empty());
      }
      for (const std::string& path : paths) CHECK_FALSE(exists(path));
      CHECK_FALSE(machine.open(name));
      CHECK_FALSE(machine.open(top));  // the top one went with its last group
    }
  }

  TEST_CASE("to make a group twice or remove it twice is success") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      auto first = machine.create(top + "/twice", {});
      auto second = machine.create(top + "/twice", {});
      CHECK(first.remove(in(1s)).empty());
      CHECK(second.remove(in(1s)).empty());
      CHECK(second.kill().empty());
      CHECK(second.empty());
      CHECK(second.wait_empty(in(0ms)));
      CHECK(second.stats().pids == 0);
    }
  }

  TEST_CASE("kill ends all below, also those in deeper groups and who fork") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped pod(machine.create(top + "/kill", {}));
      Scoped web(machine.create(top + "/kill/web", {}));
      const pid_t forker = start_in(web.group, [] {
        for (int i = 0; i < 20; ++i)
          if (::fork() == 0) return sleep_forever();
        return sleep_forever();
      });
      const pid_t plain = start_in(web.group, sleep_forever);
      CHECK_FALSE(pod.group.empty());
      CHECK_FALSE(pod.group.wait_empty(in(10ms)));
      CHECK(pod.group.kill().empty());
      CHECK(end_of(forker) == 128 + SIGKILL);
      CHECK(end_of(plain) == 128 + SIGKILL);
      CHECK(pod.group.wait_empty(in(10s)));
      CHECK(pod.group.processes().empty());
    }
  }

  TEST_CASE("a group that was killed is made anew, and takes processes again") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped old(machine.create(top + "/again", {}));
      const pid_t child = start_in(old.group, sleep_forever);
      CHECK(old.group.kill().empty());
      CHECK(end_of(child) == 128 + SIGKILL);
      CHECK(old.group.wait_empty(in(10s)));
      Scoped fresh(machine.create(top + "/again", {}));
      CHECK(end_of(start_in(fresh.group, [] { return 7; })) == 7);
      CHECK(old.group.remove(in(1s)).empty());
    }
  }

  TEST_CASE("a group with a living process is taken over") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped first(machine.create(top + "/alive", {}));
      const pid_t child = start_in(first.group, sleep_forever);
      const auto second = machine.create(top + "/alive", {});
      CHECK(second.processes() == std::vector<pid_t>{child});
      CHECK(first.group.kill().empty());
      CHECK(end_of(child) == 128 + SIGKILL);
    }
  }

  TEST_CASE("remove waits for the last process, and gives up at the deadline with its reason") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped scoped(machine.create(top + "/busy", {}));
      const pid_t child = start_in(scoped.group, sleep_forever);
      const auto failures = scoped.group.remove(in(20ms));
      REQUIRE(!failures.empty());
      CHECK(failures[0].err() == EBUSY);
      CHECK(std::string(failures[0].what()).find("1 processes alive") != std::string::npos);
      CHECK(scoped.group.kill().empty());
      CHECK(scoped.group.remove(in(10s)).empty());  // not reaped yet
      CHECK(end_of(child) == 128 + SIGKILL);
      CHECK_FALSE(machine.open(top + "/busy"));
    }
  }

  TEST_CASE("groups that were made inside go with the group") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      auto outer = machine.create(top + "/outer", {});
      const auto inner = machine.create(top + "/outer/a/b/c", {});
      CHECK(machine.create(top + "/outer/d", {}).paths().size() == outer.paths().size());
      CHECK(outer.remove(in(1s)).empty());
      CHECK_FALSE(machine.open(top));
    }
  }

  TEST_CASE("a frozen group stands still, and can be killed") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped scoped(machine.create(top + "/ice", {}));
      auto* const count = static_cast<volatile long*>(
          ::mmap(nullptr, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
      REQUIRE(const_cast<long*>(count) != MAP_FAILED);
      const pid_t child = start_in(scoped.group, [count] {
        for (;;) *count = *count + 1;
        return 0;
      });
      scoped.group.freeze();
      while (!scoped.group.frozen()) ::sched_yield();
      const long before = *count;
      for (int i = 0; i < 1000; ++i) ::sched_yield();
      CHECK(*count == before);
      scoped.group.thaw();
      while (*count == before) ::sched_yield();
      scoped.group.freeze();
      CHECK(scoped.group.kill().empty());
      CHECK(end_of(child) == 128 + SIGKILL);
      (void)::munmap(const_cast<long*>(count), sizeof(long));
    }
  }

  TEST_CASE("the pids limit holds, and is changed in place" *
            doctest::skip(!can_limit(Controller::pids))) {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped scoped(machine.create(top + "/pids", {.pids = 3}));
      const auto forks = [] {
        int made = 0;
        for (; made < 10; ++made) {
          const pid_t child = ::fork();
          if (child < 0) break;
          if (child == 0) return sleep_forever();
        }
        return made;
      };
      CHECK(end_of(start_in(scoped.group, forks)) == 2);
      CHECK(scoped.group.stats().pids == 2);
      scoped.group.update({.pids = cgroup::no_limit});
      CHECK(end_of(start_in(scoped.group, forks)) == 10);
    }
  }

  TEST_CASE("a limit of the pod counts for its containers" *
            doctest::skip(!can_limit(Controller::pids))) {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped pod(machine.create(top + "/both", {.pids = 2}));
      Scoped web(machine.create(top + "/both/web", {}));
      const int forked = end_of(start_in(web.group, [] {
        if (::fork() == 0) return sleep_forever();
        return ::fork() < 0 ? 1 : 0;
      }));
      CHECK(forked == 1);
    }
  }

  TEST_CASE("who takes too much memory is killed, and that is counted" *
            doctest::skip(!can_limit(Controller::memory))) {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      Scoped scoped(machine.create(top + "/memory", {.memory_bytes = 16 << 20}));
      CHECK(scoped.group.oom_kills() == 0);
      const auto take = [](std::size_t bytes) {
        auto* const memory = static_cast<char*>(
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        if (memory == MAP_FAILED) return 3;
        for (std::size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
        return 0;
      };
      CHECK(end_of(start_in(scoped.group, [&] { return take(4 << 20); })) == 0);
      CHECK(end_of(start_in(scoped.group, [&] { return take(64 << 20); })) == 128 + SIGKILL);
      CHECK(scoped.group.oom_kills() == 1);
      const auto stats = scoped.group.stats();
      CHECK(stats.memory_peak_bytes.value_or(8 << 20) > 4 << 20);
      CHECK(stats.memory_bytes.value() <= 16 << 20);
      CHECK(stats.memory_working_bytes.value() <= stats.memory_bytes.value());
      scoped.group.update(
          {.memory_bytes = 128 << 20});  // up, and below, each in the kernel's order
      CHECK(end_of(start_in(scoped.group, [&] { return take(64 << 20); })) == 0);
      scoped.group.update({.memory_bytes = 32 << 20});
      CHECK(end_of(start_in(scoped.group, [&] { return take(64 << 20); })) == 128 + SIGKILL);
    }
  }

  TEST_CASE("the quota and the weight are what the kernel keeps" *
            doctest::skip(!can_limit(Controller::cpu))) {
    const auto machine = Hierarchy::detect();
    Scoped scoped(machine.create(top + "/cpu", {.cpu_milli = 250, .cpu_shares_milli = 100}));
    bool found = false;
    for (const std::string& path : scoped.group.paths()) {
      const auto quota = sys::read_file_at(AT_FDCWD, path + "/cpu.cfs_quota_us", 100);
      if (quota) CHECK(*quota == "25000\n");
      const auto shares = sys::read_file_at(AT_FDCWD, path + "/cpu.shares", 100);
      if (shares) CHECK(*shares == "102\n");
      const auto max = sys::read_file_at(AT_FDCWD, path + "/cpu.max", 100);
      if (max) CHECK(*max == "25000 100000\n");
      found = found || quota || max;
    }
    CHECK(found);
  }

  TEST_CASE("time on the CPU is counted for the group") {
    const auto machine = Hierarchy::detect();
    Scoped scoped(machine.create(top + "/time", {}));
    if (!scoped.group.stats().cpu_usec) return;  // v1 without cpuacct
    const int code = end_of(start_in(scoped.group, [] {
      timespec used{};
      do ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
      while (used.tv_sec == 0 && used.tv_nsec < 20'000'000);
      return 0;
    }));
    CHECK(code == 0);
    CHECK(scoped.group.stats().cpu_usec.value() >= 19'000);
  }

  TEST_CASE("a limit that the kernel refuses leaves no group behind" *
            doctest::skip(!can_limit(Controller::pids))) {
    const auto machine = Hierarchy::detect();
    std::string text;
    try {
      machine.create(top + "/refused/x", {.pids = -7});
    } catch (const sys::Error& error) {
      text = error.what();
    }
    CHECK(text.find("/refused/x: set pids.max to -7: Invalid argument") != std::string::npos);
    CHECK_FALSE(machine.open(top));
  }

  TEST_CASE("only the devices of the list can be opened" * doctest::skip(!exists("/dev/kmsg"))) {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      if (machine.device_control() == cgroup::DeviceControl::none) continue;
      const auto open_node = [](const char* path, mode_t kind, dev_t device, int flags) {
        const int fd = ::open(path, flags | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) return errno;
        (void)::close(fd);
        struct stat info {};
        (void)::stat(path, &info);
        return (info.st_mode & S_IFMT) == kind && info.st_rdev == device ? 0 : -1;
      };
      const auto outcome = [&] {
        if (open_node("/dev/null", S_IFCHR, makedev(1, 3), O_RDWR) != 0) return 1;
        if (open_node("/dev/zero", S_IFCHR, makedev(1, 5), O_RDONLY) != 0) return 2;
        if (open_node("/dev/urandom", S_IFCHR, makedev(1, 9), O_RDONLY) != 0) return 3;
        if (open_node("/dev/kmsg", S_IFCHR, makedev(1, 11), O_RDONLY) != EPERM) return 4;
        if (open_node("/dev/kmsg", S_IFCHR, makedev(1, 11), O_WRONLY) != EPERM) return 5;
        if (::mknod("/tmp/pausa-test-node", S_IFBLK | 0600, makedev(7, 250)) == 0) return 6;
        return 0;
      };
      {
        Scoped scoped(machine.create(top + "/devices", {}, &cgroup::container_devices()));
        CHECK(end_of(start_in(scoped.group, outcome)) == 0);
        // The group is taken over after a crash: the filter is not stacked upon itself.
        auto again = machine.create(top + "/devices", {}, &cgroup::container_devices());
        CHECK(end_of(start_in(again, outcome)) == 0);
      }
      auto list = cgroup::container_devices();
      list.push_back({'c', 1, 11});
      Scoped more(machine.create(top + "/more", {}, &list));
      CHECK(end_of(start_in(more.group, outcome)) == 4);
      Scoped open(machine.create(top + "/open", {}));
      CHECK(end_of(start_in(open.group, outcome)) == 4);
    }
  }

  TEST_CASE("several processes make and remove groups below one top") {
    for (const Hierarchy& machine : machines()) {
      CAPTURE(static_cast<int>(machine.mode()));
      std::vector<pid_t> children;
      for (int i = 0; i < 4; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
          try {
            for (int round = 0; round < 50; ++round) {
              auto group = machine.create(top + "/race" + std::to_string(i), {});
              if (!group.remove(in(1s)).empty()) ::_exit(1);
            }
            ::_exit(0);
          } catch (...) {
            ::_exit(2);
          }
        }
        children.push_back(child);
      }
      for (const pid_t child : children) CHECK(end_of(child) == 0);
      CHECK_FALSE(machine.open(top));
    }
  }

  TEST_CASE("cost of a group with three limits and a device filter") {
    const auto machine = Hierarchy::detect();
    cgroup::Limits limits;
    if (machine.has(Controller::memory)) limits.memory_bytes = 64 << 20;
    if (machine.has(Controller::cpu)) limits.cpu_milli = 500;
    if (machine.has(Controller::pids)) limits.pids = 100;
    const auto us = [](auto from) {
      return std::chrono::duration_cast<std::chrono::microseconds>(
                 std::chrono::steady_clock::now() - from)
          .count();
    };
    for (int round = 0; round < 3; ++round) {
      auto time = std::chrono::steady_clock::now();
      auto group = machine.create(top + "/cost", limits, &cgroup::container_devices());
      (void)group.tasks_fds();
      const auto made = us(time);
      time = std::chrono::steady_clock::now();
      const pid_t child = start_in(group, [] { return 0; });
      const int code = end_of(child);
      const auto ran = us(time);
      time = std::chrono::steady_clock::now();
      const auto failures = group.remove(in(1s));
      MESSAGE("made in " << made << " us, child joined and gone in " << ran << " us, removed in "
                         << us(time) << " us");
      CHECK(code == 0);
      CHECK(failures.empty());
    }
  }
}
