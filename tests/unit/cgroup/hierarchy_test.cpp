// Detection and writing over plain directories that are laid out like cgroupfs.
#include "cgroup/hierarchy.hpp"

#include "cgroup/group.hpp"
#include "support/messages.hpp"
#include "support/temp_tree.hpp"

#include <sys/stat.h>

#include <doctest/doctest.h>

using namespace pausa;
using cgroup::Controller;
using cgroup::Hierarchy;
using cgroup::Mode;
using test::mentions;
using test::message_of;
using test::TempTree;

namespace {

std::string mount_line(const TempTree& tree, const std::string& at, const std::string& type,
                       const std::string& options, const std::string& root = "/") {
  return "36 31 0:33 " + root + " " + tree.path() + "/" + at + " rw,relatime shared:9 - " + type +
         " none " + options + "\n";
}

void add_group(const TempTree& tree, const std::string& path, const std::string& controllers) {
  tree.file(path + "/cgroup.procs", "");
  tree.file(path + "/cgroup.controllers", controllers + "\n");
  tree.file(path + "/cgroup.subtree_control", "");
  tree.file(path + "/cgroup.events", "populated 0\nfrozen 0\n");
  for (const char* file : {"memory.max", "memory.oom.group", "cpu.max", "cpu.weight", "pids.max"})
    tree.file(path + "/" + file, "");
}

}  // namespace

TEST_SUITE("hierarchy/unit") {
  TEST_CASE("a machine without control groups limits nothing and says so") {
    const auto none = Hierarchy::detect("21 1 0:19 / /proc rw - proc proc rw\nnonsense\n", "");
    CHECK(none.mode() == Mode::none);
    CHECK_FALSE(none.tracks());
    CHECK_FALSE(none.why_not({}));
    CHECK(mentions(*none.why_not({.pids = 5}), "mount -t cgroup2"));
    const auto group = none.create("pausa/u", {});  // a pod without limits runs all the same
    CHECK(group.clone_fd() == -1);
    CHECK(group.empty());
    CHECK(mentions(message_of([&] { none.create("pausa/u", {.memory_bytes = 1 << 20}); }),
                   "cgroup pausa/u: no control groups"));
  }

  TEST_CASE("pure v2: limits go to the group, controllers are handed down on the way") {
    const TempTree tree;
    add_group(tree, "v2", "cpuset cpu io memory pids");
    add_group(tree, "v2/pausa", "");
    add_group(tree, "v2/pausa/u", "");
    tree.file("v2/pausa/u/cgroup.subtree_control", "cpu memory pids\n");
    add_group(tree, "v2/pausa/u/web", "");
    const auto v2 = Hierarchy::detect(mount_line(tree, "v2", "cgroup2", "rw,nsdelegate"), "0::/\n");
    CHECK(v2.mode() == Mode::v2);
    CHECK(v2.tracks());
    for (const Controller has : {Controller::cpu, Controller::memory, Controller::pids})
      CHECK(v2.has(has));
    CHECK_FALSE(v2.has(Controller::freezer));
    const cgroup::Limits limits{.memory_bytes = 1 << 24, .cpu_milli = 500, .oom_ends_all = true};
    CHECK(v2.plan_paths("pausa/u/web", limits, false) ==
          std::vector{tree.path() + "/v2/pausa/u/web"});
    auto web = v2.create("pausa/u/web", limits);
    CHECK(tree.read("v2/pausa/u/web/memory.max") == "16777216");
    CHECK(tree.read("v2/pausa/u/web/memory.oom.group") == "1");
    CHECK(tree.read("v2/pausa/u/web/cpu.max") == "50000 100000");
    CHECK(tree.read("v2/pausa/u/web/pids.max").empty());
    CHECK(tree.read("v2/pausa/cgroup.subtree_control") == "+pids");  // the last of three writes
    CHECK(tree.read("v2/pausa/u/cgroup.subtree_control") == "cpu memory pids\n");
    CHECK(tree.read("v2/pausa/u/web/cgroup.subtree_control").empty());  // a leaf
    CHECK(web.clone_fd() >= 0);
    CHECK(web.tasks_fds().empty());
    CHECK(v2.list("pausa") == std::vector<std::string>{"u"});
  }

  TEST_CASE("hybrid: v2 tracks, and only the v1 trees of the limits take part") {
    const TempTree tree;
    add_group(tree, "unified", "");
    for (const char* name : {"memory", "cpu,cpuacct", "pids", "freezer"})
      tree.file(std::string(name) + "/cgroup.procs", "");
    const std::string mounts = mount_line(tree, "memory", "cgroup", "rw,memory") +
                               mount_line(tree, "cpu,cpuacct", "cgroup", "rw,cpu,cpuacct") +
                               mount_line(tree, "pids", "cgroup", "rw,pids") +
                               mount_line(tree, "freezer", "cgroup", "rw,freezer") +
                               mount_line(tree, "systemd", "cgroup", "rw,name=systemd") +
                               mount_line(tree, "elsewhere", "cgroup", "rw,memory") +
                               mount_line(tree, "unified", "cgroup2", "rw");
    const auto hybrid = Hierarchy::detect(mounts, "4:memory:/some/where\n0::/\n");
    CHECK(hybrid.mode() == Mode::hybrid);
    const std::string base = tree.path() + "/";
    CHECK(hybrid.plan_paths("pausa/u", {}, false) == std::vector{base + "unified/pausa/u"});
    CHECK(hybrid.plan_paths("pausa/u", {.memory_bytes = 1, .cpu_milli = 1}, false) ==
          std::vector{base + "unified/pausa/u", base + "memory/pausa/u",
                      base + "cpu,cpuacct/pausa/u"});
    // The limits of a pod count for its containers, which have none of their own.
    tree.dir("pids/pausa/u");
    CHECK(hybrid.plan_paths("pausa/u/web", {}, false) ==
          std::vector{base + "unified/pausa/u/web", base + "pids/pausa/u/web"});
    CHECK(hybrid.plan_paths("pausa/v", {}, false) == std::vector{base + "unified/pausa/v"});
  }

  TEST_CASE("v1 alone: the freezer tracks") {
    const TempTree tree;
    for (const char* name : {"memory", "freezer"})
      tree.file(std::string(name) + "/cgroup.procs", "");
    tree.file("memory/pausa/u/memory.limit_in_bytes", "");
    tree.file("freezer/pausa/u/tasks", "");
    tree.file("memory/pausa/u/tasks", "");
    const auto v1 = Hierarchy::detect(mount_line(tree, "memory", "cgroup", "rw,memory") +
                                          mount_line(tree, "freezer", "cgroup", "rw,freezer"),
                                      "4:memory:/\n");
    CHECK(v1.mode() == Mode::v1);
    CHECK(v1.tracks());
    auto group = v1.create("pausa/u", {.memory_bytes = 4096});  // without the memsw file
    CHECK(tree.read("memory/pausa/u/memory.limit_in_bytes") == "4096");
    CHECK(group.clone_fd() == -1);
    CHECK(group.tasks_fds().size() == 2);
    group.update({.memory_bytes = 8192});
    CHECK(tree.read("memory/pausa/u/memory.limit_in_bytes") == "8192");
    CHECK(mentions(message_of([&] { group.update({.pids = 5}); }), "restart"));
    CHECK(mentions(message_of([&] { v1.create("pausa/w", {.pids = 5}); }), "cgroup_enable=pids"));
  }

  TEST_CASE("statistics are read in the words of either version") {
    const TempTree tree;
    add_group(tree, "v2", "memory pids");
    add_group(tree, "v2/pausa/u", "");
    tree.file("v2/pausa/cgroup.subtree_control", "");
    tree.file("v2/pausa/u/memory.current", "1000\n");
    tree.file("v2/pausa/u/memory.peak", "3000\n");
    tree.file("v2/pausa/u/memory.stat", "anon 5\ninactive_file 400\n");
    tree.file("v2/pausa/u/memory.events", "low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\n");
    tree.file("v2/pausa/u/cpu.stat", "usage_usec 1234\nuser_usec 1\n");
    tree.file("v2/pausa/u/pids.current", "6\n");
    const auto v2 = Hierarchy::detect(mount_line(tree, "v2", "cgroup2", "rw"), "0::/\n");
    const auto stats = v2.open("pausa/u")->stats();
    CHECK(stats.memory_bytes == 1000);
    CHECK(stats.memory_working_bytes == 600);
    CHECK(stats.memory_peak_bytes == 3000);
    CHECK(stats.cpu_usec == 1234);
    CHECK(stats.pids == 6);
    CHECK(stats.oom_kills == 2);
    CHECK_FALSE(v2.open("pausa/none"));

    for (const char* name : {"memory", "cpuacct"})
      tree.file(std::string(name) + "/cgroup.procs", "");
    tree.file("memory/pausa/u/memory.usage_in_bytes", "500\n");
    tree.file("memory/pausa/u/memory.stat", "inactive_file 1\ntotal_inactive_file 100\n");
    tree.file("memory/pausa/u/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n");
    tree.file("memory/pausa/u/cgroup.procs", "");
    tree.file("cpuacct/pausa/u/cpuacct.usage", "5000999\n");
    const auto v1 = Hierarchy::detect(mount_line(tree, "memory", "cgroup", "rw,memory") +
                                          mount_line(tree, "cpuacct", "cgroup", "rw,cpuacct"),
                                      "");
    const auto old = v1.open("pausa/u")->stats();
    CHECK(old.memory_bytes == 500);
    CHECK(old.memory_working_bytes == 400);
    CHECK_FALSE(old.memory_peak_bytes);
    CHECK(old.cpu_usec == 5000);
    CHECK(old.oom_kills == 4);
  }

  TEST_CASE("names that lead elsewhere are refused") {
    const auto none = Hierarchy::detect("", "");
    for (const char* name : {"", "/pausa", "pausa/", "pausa//x", "pausa/../x", ".", "a\nb"}) {
      CAPTURE(name);
      CHECK_THROWS_AS(none.plan_paths(name, {}, false), sys::Error);
      CHECK_THROWS_AS((void)none.open(name), sys::Error);
    }
  }

  TEST_CASE("a mount point with a blank is found") {
    const TempTree tree;
    add_group(tree, "a b", "pids");
    const auto v2 = Hierarchy::detect(mount_line(tree, "a\\040b", "cgroup2", "rw"), "0::/\n");
    CHECK(v2.has(Controller::pids));
  }

  TEST_CASE("a user gets the highest group of the own line that is writable" *
            doctest::skip(::geteuid() != 0)) {
    const TempTree tree;
    add_group(tree, "v2", "cpu memory pids");
    add_group(tree, "v2/user.slice", "cpu memory pids");
    add_group(tree, "v2/user.slice/mine", "memory pids");
    add_group(tree, "v2/user.slice/mine/app.scope", "");
    for (const char* path : {"", "/cgroup.procs", "/cgroup.subtree_control"})
      REQUIRE(::fchownat(tree.fd(), (std::string("v2/user.slice/mine") + path).c_str(), 65534,
                         65534, 0) == 0);
    REQUIRE(::fchmod(tree.fd(), 0755) == 0);
    const std::string mounts = mount_line(tree, "v2", "cgroup2", "rw");
    const int result = test::as_user(65534, [&] {
      const auto inside = Hierarchy::detect(mounts, "0::/user.slice/mine/app.scope\n");
      if (inside.plan_paths("pausa/u", {}, false) !=
          std::vector{tree.path() + "/v2/user.slice/mine/pausa/u"})
        return 1;
      if (!inside.has(Controller::memory) || inside.has(Controller::cpu)) return 2;
      if (!mentions(*inside.why_not({.cpu_milli = 5}), "Delegate=")) return 3;
      const auto outside = Hierarchy::detect(mounts, "0::/user.slice/session-2.scope\n");
      if (outside.tracks()) return 4;
      if (!mentions(*outside.why_not({.pids = 5}), "as root")) return 5;
      return 0;
    });
    CHECK(result == 0);
  }
}
