// One launch under way: the joiner's process and the socket on which it reports. The supervisor
// waits for the socket in its loop (member) or blocks on it (exec). Several launches may be under
// way at once; their members run in the order in which they are told to go.
#pragma once

#include "launch/plan.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace pausa::launch {

// Why a launch failed, in words and as the exit code that stands for it: 127 no such program,
// 126 it cannot be executed, 128 anything before.
struct Failure {
  std::string message;
  int exit_code = 128;
};

class Launch {
 public:
  // Clones the joiner; cgroup_fd: a v2 directory to be born in, or -1. Throws when there can be no
  // process at all.
  Launch(std::unique_ptr<OwnedPlan> plan, int cgroup_fd);
  ~Launch();  // a member that was not told to go ends by itself
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  int fd() const { return report_.get(); }

  enum class Stage { setting_up, ready, started, failed };
  // Takes the reports that have come. ready: the member exists and waits for go().
  Stage advance();
  Stage stage() const { return stage_; }
  // Blocks until the stage is something else than `from`; false at the deadline.
  bool wait_beyond(Stage from, std::chrono::milliseconds timeout);

  void go();

  int pidfd() const { return member_.get(); }
  sys::UniqueFd take_pidfd() { return std::move(member_); }
  std::int32_t pod_pid() const { return pod_pid_; }
  sys::UniqueFd take_terminal() { return std::move(terminal_); }
  const Failure& failure() const { return failure_; }
  const OwnedPlan& plan() const { return *plan_; }

 private:
  void take(const Report& report, sys::UniqueFd passenger);
  void finish();
  void reap_joiner();

  std::unique_ptr<OwnedPlan> plan_;
  sys::UniqueFd report_;
  sys::UniqueFd joiner_;
  sys::UniqueFd member_;
  sys::UniqueFd terminal_;
  std::int32_t pod_pid_ = 0;
  bool gone_ahead_ = false;
  Stage stage_ = Stage::setting_up;
  Failure failure_;
};

}  // namespace pausa::launch
