#include "launch/plan.hpp"

#include <sched.h>

#include <doctest/doctest.h>

#include <algorithm>

using namespace pausa;
using launch::Op;

namespace {

launch::MemberRequest member(bool own_pid, bool no_new_privs) {
  static const security::Filter filter{{sock_filter{}}, 0};
  launch::MemberRequest request;
  request.pod = {7, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, true};
  request.process.argv = {"sh"};
  request.process.env = {"PATH=/bin:relative::/sbin"};
  request.process.filter = &filter;
  request.process.no_new_privs = no_new_privs;
  request.process.capabilities = 1;
  request.own_pid_namespace = own_pid;
  rootfs::Request tree;
  tree.lower = {"/lower"};
  tree.upper = "/upper";
  tree.work = "/work";
  tree.own_proc = own_pid;
  tree.masked_paths = {"/proc/kcore"};
  request.layout = std::make_unique<rootfs::Layout>(tree);
  return request;
}

std::ptrdiff_t place(const std::vector<launch::Step>& steps, Op op, std::uint64_t flags = 0) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const launch::Step& step) {
    return step.op == op && (flags == 0 || step.flags == flags);
  });
  return found == steps.end() ? -1 : found - steps.begin();
}

std::ptrdiff_t place(const std::vector<launch::Step>& steps, rootfs::MountOp op) {
  const auto found = std::find_if(steps.begin(), steps.end(), [&](const launch::Step& step) {
    return step.op == Op::mount && step.mount->op == op;
  });
  return found == steps.end() ? -1 : found - steps.begin();
}

}  // namespace

TEST_SUITE("launch/plan") {
  TEST_CASE("nothing of the host is left when the first process inside the pod is made") {
    const launch::OwnedPlan plan(member(false, false));
    const auto& steps = plan.steps();
    const auto fork = place(steps, Op::fork);
    REQUIRE(fork > 0);
    CHECK(place(steps, rootfs::MountOp::pivot) < fork);
    CHECK(place(steps, rootfs::MountOp::mask) < fork);
    CHECK(place(steps, Op::close_fds) < fork);
    CHECK(place(steps, Op::bound_caps) < fork);
    CHECK(place(steps, Op::seccomp) < fork);
    CHECK(place(steps, Op::close_fds) > place(steps, rootfs::MountOp::pivot));
    // The namespaces whose file systems are mounted are joined before the mounts.
    CHECK(place(steps, Op::setns, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) <
          place(steps, rootfs::MountOp::filesystem));
  }

  TEST_CASE("the member waits for its go before anything else") {
    const launch::OwnedPlan plan(member(false, false));
    CHECK(place(plan.steps(), Op::wait_go) == place(plan.steps(), Op::fork) + 1);
    CHECK(plan.steps().back().op == Op::exec);
  }

  TEST_CASE("with no_new_privs the filter is loaded last") {
    const launch::OwnedPlan plan(member(false, true));
    const auto size = static_cast<std::ptrdiff_t>(plan.steps().size());
    CHECK(place(plan.steps(), Op::seccomp) == size - 2);
    CHECK(place(plan.steps(), Op::no_new_privs) == size - 3);
  }

  TEST_CASE("a PID namespace of its own: /proc is mounted inside it, privileges go after that") {
    const launch::OwnedPlan plan(member(true, false));
    const auto& steps = plan.steps();
    const auto fork = place(steps, Op::fork);
    CHECK(steps[static_cast<std::size_t>(fork)].flags == CLONE_NEWPID);
    CHECK(place(steps, rootfs::MountOp::own_proc) > fork);
    CHECK(place(steps, rootfs::MountOp::mask) > place(steps, rootfs::MountOp::own_proc));
    CHECK(place(steps, Op::bound_caps) > place(steps, rootfs::MountOp::mask));
  }

  TEST_CASE("an exec session joins the member's namespaces and mounts nothing") {
    launch::ExecRequest request;
    request.pod = {7, CLONE_NEWNET, true};
    request.process.argv = {"true"};
    request.member_pidfd = 8;
    const launch::OwnedPlan plan(std::move(request));
    CHECK(place(plan.steps(), Op::mount) == -1);
    CHECK(place(plan.steps(), Op::setns, CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWCGROUP) >= 0);
  }

  TEST_CASE("programs are looked for in the absolute folders of PATH") {
    const std::vector<std::string> env{"PATH=/bin:relative::/sbin"};
    CHECK(launch::exec_candidates("sh", env) == std::vector<std::string>{"/bin/sh", "/sbin/sh"});
    CHECK(launch::exec_candidates("./sh", env) == std::vector<std::string>{"./sh"});
    CHECK(launch::exec_candidates("sh", {}).size() == 6);
  }

  TEST_CASE("every step can be explained") {
    const launch::OwnedPlan plan(member(true, true));
    const std::string text = launch::explain(plan.steps());
    CHECK(text.find("setns(infra, pid)") != std::string::npos);
    CHECK(text.find("nsenter -t $INFRA --pid") != std::string::npos);
    CHECK(text.find("mount -t overlay -o nodev,lowerdir=/lower,upperdir=/upper") !=
          std::string::npos);
    CHECK(text.find("exec /bin/sh") != std::string::npos);
    CHECK(std::count(text.begin(), text.end(), '\n') ==
          2 * static_cast<std::ptrdiff_t>(plan.steps().size()));
  }
}
