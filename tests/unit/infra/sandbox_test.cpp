#include "pod.hpp"

#include <linux/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

using namespace pausa;
using test::can_make_namespaces;
using test::Pod;
using test::status_of;

namespace {

// Runs in a child that has joined these namespaces of the pod; its exit code.
template <typename Body>
int inside(const Pod& pod, int kinds, Body body) {
  const pid_t child = sys::check(::fork(), "fork");
  if (child == 0) {
    if (::setns(pod.sandbox().pidfd.get(), kinds) < 0) ::_exit(100);
    ::_exit(body());
  }
  int status = 0;
  sys::check(::waitpid(child, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool host_children_left() {
  return ::waitpid(-1, nullptr, WNOHANG) >= 0;
}

}  // namespace

TEST_SUITE("infra/unit" * doctest::skip(::geteuid() != 0 || !can_make_namespaces())) {
  TEST_CASE(
      "a sandbox has pid, net, ipc, uts and mount namespaces of its own, and shares the rest") {
    const Pod pod;
    const auto ours = sys::namespace_inodes(::getpid());
    const auto theirs = sys::namespace_inodes(pod.pid());
    const std::set<std::string_view> own{"mnt", "net", "pid", "ipc", "uts"};
    for (std::size_t i = 0; i < sys::namespace_kinds.size(); ++i) {
      INFO(sys::namespace_kinds[i].name);
      REQUIRE(theirs[i] != 0);
      CHECK((ours[i] != theirs[i]) == own.contains(sys::namespace_kinds[i].name));
    }
    CHECK(status_of(pod.pid(), "NSpid") == std::to_string(pod.pid()) + "\t1");
    CHECK(status_of(pod.pid(), "Name") == "pausa-infra");
    CHECK(sys::alive(pod.sandbox().id));
    CHECK(sys::start_time(pod.pid()) == pod.sandbox().id.start_time);
  }

  TEST_CASE("infra ends with who made it, until it is let go") {
    const test::TempTree folder;
    const sys::UniqueFd exe(::open((test::libexec + "pausa-infra").c_str(), O_RDONLY | O_CLOEXEC));
    for (const bool let_go : {false, true}) {
      const auto listener = infra::listen_for_infra(folder.fd(), "infra.sock");
      const auto table = infra::create_table();
      infra::SandboxRequest request;
      request.hostname = "test-pod";
      request.infra_exe_fd = exe.get();
      request.listen_fd = listener.get();
      request.table_fd = table.get();
      auto sandbox = infra::SandboxBirth(request).finish();
      REQUIRE(sandbox.leash);
      if (let_go)
        infra::let_go(std::move(sandbox.leash));
      else
        sandbox.leash.reset();
      CHECK(sys::wait_dead(sandbox.pidfd.get(), std::chrono::seconds(let_go ? 1 : 20)) != let_go);
      (void)sys::send_signal(sandbox.pidfd.get(), SIGKILL);
      (void)sys::reap(sandbox.pidfd.get());
    }
  }

  TEST_CASE("host namespaces stay the host's when they are asked for") {
    const Pod pod([](infra::SandboxRequest& request) {
      request.new_pid = request.new_net = request.new_ipc = request.new_uts = false;
      request.hostname.clear();
    });
    const auto ours = sys::namespace_inodes(::getpid());
    const auto theirs = sys::namespace_inodes(pod.pid());
    for (std::size_t i = 0; i < sys::namespace_kinds.size(); ++i) {
      INFO(sys::namespace_kinds[i].name);
      CHECK((ours[i] != theirs[i]) == (sys::namespace_kinds[i].name == "mnt"));
    }
    auto client = pod.client();
    CHECK_THROWS_WITH(client.register_member(::getpid(), 1),
                      "register a member with infra: No child processes");
  }

  TEST_CASE("infra has no capability, no new privileges, a filter, and is not dumpable") {
    const Pod pod;
    for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      INFO(set);
      CHECK(status_of(pod.pid(), set) == "0000000000000000");
    }
    CHECK(status_of(pod.pid(), "NoNewPrivs") == "1");
    CHECK(status_of(pod.pid(), "Seccomp") == "2");
    CHECK(status_of(pod.pid(), "SigBlk") == "fffffffffffbfeff");
    CHECK(status_of(pod.pid(), "Threads") == "1");
    // proc(5): a process that is not dumpable cannot be traced by one without CAP_SYS_PTRACE. As
    // the same user without capabilities, its namespace links are out of reach.
    const std::string link = "/proc/" + std::to_string(pod.pid()) + "/ns/net";
    const int code = inside(pod, CLONE_NEWUTS, [&] {
      if (::unshare(CLONE_NEWUSER) < 0) return 2;  // drops all capabilities over the old one
      char target[64];
      return ::readlink(link.c_str(), target, sizeof target) < 0 && errno == EACCES ? 0 : 1;
    });
    CHECK(code == 0);
  }

  TEST_CASE("infra holds its sockets, the table and its event queue, and no file of the host") {
    const Pod pod;
    const auto client = pod.client();
    namespace fs = std::filesystem;
    for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pod.pid()) + "/fd")) {
      const std::string target = fs::read_symlink(entry.path()).string();
      INFO(entry.path().string(), " -> ", target);
      CHECK((target.starts_with("socket:[") || target.starts_with("anon_inode:[") ||
             target.starts_with("/memfd:pausa-exits")));
    }
  }

  TEST_CASE("the root is empty, read-only, and of two mounts") {
    const Pod pod;
    const std::string mounts = test::read_text("/proc/" + std::to_string(pod.pid()) + "/mountinfo");
    CHECK(std::count(mounts.begin(), mounts.end(), '\n') == 2);
    CHECK(mounts.find(" / / ro,nosuid,nodev,noexec") != std::string::npos);
    CHECK(mounts.find(" / /proc rw,nosuid,nodev,noexec") != std::string::npos);
    std::set<std::string> names;
    const std::string root = "/proc/" + std::to_string(pod.pid()) + "/root";
    for (const auto& entry : std::filesystem::directory_iterator(root))
      names.insert(entry.path().filename().string());
    CHECK(names == std::set<std::string>{"proc", "root", "tmpfs"});
    CHECK(::mkdir((root + "/x").c_str(), 0755) < 0);
    CHECK(errno == EROFS);
    // That /proc shows the pod, not the host.
    CHECK(test::read_text(root + "/proc/1/comm") == "pausa-infra\n");
    CHECK(::access((root + "/proc/" + std::to_string(::getpid())).c_str(), F_OK) < 0);
  }

  TEST_CASE("a joiner can copy infra's mount namespace and bind its /proc") {
    const Pod pod;
    const int code = inside(pod, CLONE_NEWNS, [] {
      if (::unshare(CLONE_NEWNS) < 0) return 1;
      const int tree = static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, "/proc", 1 /* CLONE */));
      if (tree < 0) return 2;
      return ::syscall(SYS_move_mount, tree, "", AT_FDCWD, "/root", 4 /* F_EMPTY_PATH */) == 0 &&
                     ::access("/root/1/ns/pid", F_OK) == 0
                 ? 0
                 : 3;
    });
    CHECK(code == 0);
  }

  TEST_CASE("what the members share in memory is mounted, and filled, before anybody lives there") {
    const Pod pod([](infra::SandboxRequest& request) {
      request.tmpfs = {{"shm", "size=1m,mode=1777", true}, {"etc", "size=64k,mode=0755", false}};
      request.files = {{"etc/hosts", "127.0.0.1 localhost\n"}};
    });
    const std::string mounts = test::read_text("/proc/" + std::to_string(pod.pid()) + "/mountinfo");
    CHECK(mounts.find(" /tmpfs/shm rw,nosuid,nodev,noexec") != std::string::npos);
    CHECK(mounts.find(" /tmpfs/etc rw,nosuid,nodev,relatime") != std::string::npos);
    const std::string root = "/proc/" + std::to_string(pod.pid()) + "/root/tmpfs/";
    CHECK(test::read_text(root + "etc/hosts") == "127.0.0.1 localhost\n");
    struct ::stat info {};
    REQUIRE(::stat((root + "shm").c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 01777);
    CHECK(::mkdir((root + "another").c_str(), 0755) < 0);
    CHECK(errno == EROFS);
  }

  TEST_CASE("shared memory with a bad name, option or file is refused, and told by name") {
    using Request = infra::SandboxRequest;
    for (const char* name : {"", ".", "..", "a/b", "../x"})
      CHECK_THROWS_WITH_AS(Pod([&](Request& request) {
                             request.tmpfs = {{name, "", true}};
                           }),
                           doctest::Contains("not a name"), sys::Error);
    for (const char* path : {"", "/etc/passwd", "etc/../../x"})
      CHECK_THROWS_WITH_AS(Pod([&](Request& request) {
                             request.files = {{path, "x"}};
                           }),
                           doctest::Contains("not a plain path"), sys::Error);
    CHECK_THROWS_WITH_AS(Pod([](Request& request) {
                           request.tmpfs = {{"shm", "size=x", true}};
                         }),
                         "create infra: mount shared memory shm: Invalid argument", sys::Error);
    CHECK_THROWS_WITH_AS(Pod([](Request& request) {
                           request.tmpfs = {{"etc", "size=4k", true}};
                           request.files = {{"etc/big", std::string(10'000, 'x')}};
                         }),
                         "create infra: write etc/big: No space left on device", sys::Error);
    CHECK_FALSE(host_children_left());
  }

  TEST_CASE("loopback is up and the host name is set") {
    const Pod pod;
    const int code = inside(pod, CLONE_NEWNET | CLONE_NEWUTS, [] {
      const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
      ifreq request{};
      request.ifr_name[0] = 'l';
      request.ifr_name[1] = 'o';
      if (::ioctl(socket, SIOCGIFFLAGS, &request) < 0 || (request.ifr_flags & IFF_UP) == 0)
        return 1;
      char name[64] = {};
      return ::gethostname(name, sizeof name) == 0 && std::string(name) == "test-pod" ? 0 : 2;
    });
    CHECK(code == 0);
  }

  TEST_CASE("sysctls of the pod's namespaces are written there and not on the host") {
    const std::string host = test::read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    const std::string host_msg = test::read_text("/proc/sys/kernel/msgmax");
    const Pod pod([](infra::SandboxRequest& request) {
      request.sysctls = {{"net/ipv4/ip_unprivileged_port_start", "77"}, {"kernel/msgmax", "4242"}};
    });
    const int code = inside(pod, CLONE_NEWNET | CLONE_NEWIPC, [] {
      if (test::read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start") != "77\n") return 1;
      return test::read_text("/proc/sys/kernel/msgmax") == "4242\n" ? 0 : 2;
    });
    CHECK(code == 0);
    CHECK(test::read_text("/proc/sys/net/ipv4/ip_unprivileged_port_start") == host);
    CHECK(test::read_text("/proc/sys/kernel/msgmax") == host_msg);
  }

  TEST_CASE("a sysctl that is not of the pod's own namespaces is refused before anything is made") {
    const auto attempt = [](const std::string& path, const std::string& value,
                            bool new_net = true) {
      const Pod pod([&](infra::SandboxRequest& request) {
        request.sysctls = {{path, value}};
        request.new_net = new_net;
      });
    };
    for (const char* path : {"kernel/core_pattern", "net/../kernel/core_pattern", "vm/swappiness",
                             "/net/ipv4/ip_forward", "net//x", "kernel/sem/../panic", ""}) {
      INFO(path);
      CHECK_THROWS_WITH_AS(attempt(path, "1"), doctest::Contains("not of a namespace"), sys::Error);
    }
    CHECK_THROWS_WITH_AS(attempt("net/ipv4/ip_forward", "1", false),
                         doctest::Contains("not of a namespace"), sys::Error);
    CHECK_THROWS_WITH_AS(attempt("net/ipv4/ip_forward", "1\n0"), doctest::Contains("one line"),
                         sys::Error);
    CHECK_FALSE(host_children_left());
  }

  TEST_CASE("a failing step is told by name, and leaves no process") {
    CHECK_THROWS_WITH_AS(
        Pod([](infra::SandboxRequest& request) {
          request.sysctls = {{"net/no/such", "1"}};
        }),
        "create infra: set sysctl net/no/such: No such file or directory; this kernel has no such "
        "setting in a namespace",
        sys::Error);
    CHECK_THROWS_WITH_AS(
        Pod([](infra::SandboxRequest& request) { request.hostname = std::string(65, 'x'); }),
        doctest::Contains("create infra: set hostname xxx"), sys::Error);
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_WITH_AS(
        Pod([&](infra::SandboxRequest& request) { request.infra_exe_fd = null.get(); }),
        "create infra: execute pausa-infra: Permission denied", sys::Error);
    CHECK_THROWS_WITH_AS(
        Pod([&](infra::SandboxRequest& request) { request.table_fd = null.get(); }),
        doctest::Contains("create infra: map the exit table: "), sys::Error);
    CHECK_THROWS_WITH_AS(
        Pod([&](infra::SandboxRequest& request) { request.tasks_fds = {null.get()}; }),
        "create infra: join cgroup: Bad file descriptor", sys::Error);
    const sys::UniqueFd truth(::open("/bin/true", O_RDONLY | O_CLOEXEC));
    CHECK_THROWS_WITH_AS(
        Pod([&](infra::SandboxRequest& request) { request.infra_exe_fd = truth.get(); }),
        doctest::Contains("create infra: "), sys::Error);
    CHECK_FALSE(host_children_left());
  }

  TEST_CASE("infra is born into its cgroups, of v2 and of v1") {
    // Hybrid hosts have the v2 tree below `unified` (cgroups(7)).
    const std::string v2 = ::access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) == 0
                               ? "/sys/fs/cgroup/unified"
                               : "/sys/fs/cgroup";
    const std::string name = "pausa-test-" + std::to_string(::getpid());
    const std::vector<std::string> roots{v2, "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/pids"};
    std::vector<std::string> made;
    std::vector<sys::UniqueFd> tasks;
    sys::UniqueFd unified;
    for (const auto& root : roots) {
      const std::string group = std::string(root).append("/").append(name);
      if (::access((root + "/cgroup.procs").c_str(), F_OK) < 0) continue;
      if (::mkdir(group.c_str(), 0755) < 0) continue;
      made.push_back(group);
      if (root == v2)
        unified.reset(::open(group.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      else
        tasks.emplace_back(::open((group + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
    }
    if (made.empty()) {
      MESSAGE("skipped: no cgroup can be made here");
      return;
    }
    {
      Pod pod([&](infra::SandboxRequest& request) {
        request.cgroup_fd = unified.get();
        for (const auto& file : tasks) request.tasks_fds.push_back(file.get());
      });
      for (const auto& group : made) {
        INFO(group);
        CHECK(test::read_text(group + "/cgroup.procs") == std::to_string(pod.pid()) + "\n");
      }
    }
    for (const auto& group : made)
      CHECK(test::eventually([&] { return ::rmdir(group.c_str()) == 0; }));
  }

  TEST_CASE("time offsets move the pod's clocks, and ours stay") {
    const auto before = sys::namespace_inodes(::getpid());
    const Pod pod([](infra::SandboxRequest& request) {
      request.time_offsets =
          infra::TimeOffsets{std::chrono::hours(24 * 365), std::chrono::hours(1000)};
    });
    CHECK(sys::namespace_inodes(::getpid()) == before);
    CHECK(sys::namespace_inodes(pod.pid()).back() != before.back());
    const auto host_boottime = [] {
      timespec now{};
      ::clock_gettime(CLOCK_BOOTTIME, &now);
      return std::chrono::seconds(now.tv_sec);
    };
    // The table's times are the host's all the same.
    const auto client = pod.client();
    CHECK(client.table().started() < host_boottime() + std::chrono::hours(1));
    CHECK(client.table().started() > host_boottime() - std::chrono::hours(1));
    const int code = inside(pod, CLONE_NEWTIME, [&] {
      timespec now{};
      ::clock_gettime(CLOCK_BOOTTIME, &now);
      // The vDSO of this very process is still the old one's; a system call is not.
      ::syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
      return std::chrono::seconds(now.tv_sec) > client.table().started() + std::chrono::hours(999)
                 ? 0
                 : 1;
    });
    CHECK(code == 0);
  }

  TEST_CASE("a sandbox in a user namespace has root mapped to the user that was given") {
    const Pod pod([](infra::SandboxRequest& request) {
      request.map_users = [](pid_t pid) {
        infra::write_user_maps(pid, {"0 1000000 65536", "0 1000000 65536", false});
      };
      request.sysctls = {{"net/ipv4/ip_unprivileged_port_start", "0"}};
    });
    CHECK(status_of(pod.pid(), "Uid") == "1000000\t1000000\t1000000\t1000000");
    CHECK(status_of(pod.pid(), "CapEff") == "0000000000000000");
    CHECK(sys::namespace_inodes(pod.pid())[5] != sys::namespace_inodes(::getpid())[5]);
    CHECK(pod.client().list_fds().empty());
  }

  TEST_CASE("a birth has its namespaces at once, and given up leaves nothing") {
    test::TempTree work;
    const sys::UniqueFd exe(::open((test::libexec + "pausa-infra").c_str(), O_RDONLY | O_CLOEXEC));
    const auto listener = infra::listen_for_infra(work.fd(), "infra.sock");
    const auto table = infra::create_table();
    infra::SandboxRequest request;
    request.infra_exe_fd = exe.get();
    request.listen_fd = listener.get();
    request.table_fd = table.get();
    {
      const infra::SandboxBirth birth(request);
      CHECK(sys::namespace_inodes(birth.pid())[1] != sys::namespace_inodes(::getpid())[1]);
    }
    CHECK_FALSE(host_children_left());
    // The first infra may have sealed its table before it was given up.
    const auto second_table = infra::create_table();
    request.table_fd = second_table.get();
    infra::SandboxBirth birth(request);
    const pid_t pid = birth.pid();
    const infra::Sandbox sandbox = birth.finish();
    CHECK(sandbox.pid == pid);
    CHECK(status_of(pid, "Name") == "pausa-infra");
    sys::send_signal(sandbox.pidfd.get(), SIGKILL);
    CHECK(sys::reap(sandbox.pidfd.get()).status == SIGKILL);
  }

  TEST_CASE("maps that cannot be written end the sandbox") {
    CHECK_THROWS_WITH_AS(Pod([](infra::SandboxRequest& request) {
                           request.map_users = [](pid_t) { throw sys::Error("no maps today"); };
                         }),
                         "no maps today", sys::Error);
    CHECK_FALSE(host_children_left());
  }

  TEST_CASE("an unprivileged user gets a sandbox in a user namespace of his own") {
    test::TempTree work;
    const sys::UniqueFd exe(::open((test::libexec + "pausa-infra").c_str(), O_RDONLY | O_CLOEXEC));
    sys::check(::fchmod(work.fd(), 0777), "chmod");
    const int code = test::as_user(65534, [&] {
      const auto listener = infra::listen_for_infra(work.fd(), "infra.sock");
      const auto table = infra::create_table();
      infra::SandboxRequest request;
      request.infra_exe_fd = exe.get();
      request.listen_fd = listener.get();
      request.table_fd = table.get();
      request.map_users = [](pid_t pid) {
        infra::write_user_maps(pid, {"0 65534 1", "0 65534 1", true});
      };
      const auto sandbox = infra::create_sandbox(request);
      auto client = infra::Client::connect(work.fd(), "infra.sock", std::chrono::seconds(20));
      client->put_fd(1, 0);
      const bool joins = ::setns(sandbox.pidfd.get(),
                                 CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID) == 0;
      sys::send_signal(sandbox.pidfd.get(), SIGKILL);
      sys::reap(sandbox.pidfd.get());
      return joins ? 0 : 1;
    });
    CHECK(code == 0);
  }

  TEST_CASE("the program is at most 64 KiB, and so is its private memory after work") {
    const Pod pod;
    auto client = pod.client();
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (std::uint64_t key = 0; key < infra::max_stored_fds; ++key) client.put_fd(key, null.get());
    CHECK(client.list_fds().size() == infra::max_stored_fds);
    struct ::stat info {};
    REQUIRE(::stat((test::libexec + "pausa-infra").c_str(), &info) == 0);
    CHECK(info.st_size <= 64 * 1024);
    std::istringstream rollup(
        test::read_text("/proc/" + std::to_string(pod.pid()) + "/smaps_rollup"));
    long private_kib = 0;
    for (std::string line; std::getline(rollup, line);)
      if (line.starts_with("Private_")) private_kib += std::stol(line.substr(line.find(':') + 1));
    MESSAGE("pausa-infra: file ", info.st_size, " bytes, private memory ", private_kib, " KiB");
    CHECK(private_kib > 0);
    CHECK(private_kib <= 64);
  }
}
