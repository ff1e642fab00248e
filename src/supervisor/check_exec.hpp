// A check by a command in the container: a process beside the container's own, in a group of its
// own, so that it can be ended with all its children. Infra reaps it and tells how it ended.
#pragma once

#include "cgroup/group.hpp"
#include "launch/launcher.hpp"
#include "supervisor/check.hpp"
#include "supervisor/fd_watch.hpp"
#include "supervisor/member.hpp"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>

namespace pausa::supervisor {

// The pipe into which the command writes, and its other end.
struct OutputPipe {
  sys::UniqueFd read_end, write_end;
  static OutputPipe make();
};

struct ExecPlace {
  infra::Client* infra = nullptr;  // nullptr: with hostPID the process is our own child
  std::uint64_t key = 0;           // for infra, unlike any other
  std::optional<cgroup::Group> group;
  std::chrono::nanoseconds timeout{0};  // 0: none
  std::string shown;                    // the command, for messages
};

class ExecCheck : public Check {
 public:
  // member: prepared with the pipe's writing end, whose owner it is from here on. Throws
  // sys::Error.
  ExecCheck(boost::asio::io_context& io, Member member, OutputPipe output, ExecPlace place,
            CheckDone done);
  ~ExecCheck() override;
  bool take_exit(const infra::Exit& exit) override;

 private:
  void on_launch();
  void on_own_child();
  void on_output();
  void on_end(int code);
  void on_timeout();
  void kill() noexcept;
  void finish(CheckResult result);

  boost::asio::io_context& io_;
  Member member_;
  ExecPlace place_;
  CheckDone done_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<launch::Launch> launch_;
  std::unique_ptr<FdWatch> launch_watch_;
  sys::UniqueFd output_;
  std::unique_ptr<FdWatch> output_watch_;
  sys::UniqueFd pidfd_;
  std::unique_ptr<FdWatch> pidfd_watch_;  // hostPID
  std::string said_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace pausa::supervisor
