// A command's own way into a pod that runs, without asking its supervisor: the stored manifest, the
// handles of infra and a member, and processes executed beside that member. Not for child zones.
#pragma once

#include "launch/launcher.hpp"
#include "state/store.hpp"
#include "supervisor/host.hpp"
#include "supervisor/member.hpp"
#include "supervisor/pod_sandbox.hpp"

#include <optional>
#include <string>

namespace pausa::supervisor {

// The writing end of a running container's standard input, or the master of its terminal.
class ContainerInput {
 public:
  // fd() is -1 when the container has none, or has ended. Throws sys::Error.
  ContainerInput(const state::Store& store, const state::Record& record, std::size_t container);
  int fd() const { return fd_.get(); }
  bool terminal() const { return terminal_; }
  // No more input; with `for_good` the container reads the end of the file.
  void close(bool for_good);

 private:
  std::optional<PodSandbox> sandbox_;
  sys::UniqueFd fd_;
  std::uint64_t key_ = 0;
  bool terminal_ = false;
};

// One process beside a running container's own: same namespaces, root, cgroup and confinement. It
// is infra's child, so that it lives and dies with the pod; this object only hears of its end.
class ExecSession {
 public:
  // Makes the process, which waits. The descriptors become its stdin (-1: /dev/null), stdout and
  // stderr. Throws sys::Error when the container does not run or the process cannot be made.
  ExecSession(const state::Store& store, const state::Record& record, std::size_t container,
              const ExecOptions& options, int stdin_fd, int stdout_fd, int stderr_fd);

  // Lets it run; nullopt when the program was executed.
  std::optional<launch::Failure> start();
  // The master of its terminal, once it runs; empty without one.
  sys::UniqueFd take_terminal() { return launch_->take_terminal(); }

  // Readable when poll_end() may have something new.
  int fd() const;
  struct End {
    int code = 0;           // the shell's number
    bool pod_died = false;  // it was killed with its pod
  };
  std::optional<End> poll_end();
  // False when it is gone already.
  bool signal(int number);

 private:
  ExecSession(const state::Store& store, const state::Record& record, std::size_t container);
  std::optional<End> end_in_table();

  Host host_;
  pod::Pod pod_;
  image::ResolvedImage image_;
  std::optional<cgroup::Group> group_;
  std::optional<PodSandbox> sandbox_;
  sys::UniqueFd member_pidfd_;
  std::optional<Member> member_;  // what the launch borrows
  std::unique_ptr<launch::Launch> launch_;
  sys::UniqueFd pidfd_;
  std::optional<infra::Registration> registration_;
  bool own_child_ = false;  // hostPID: infra is no reaper, we are
};

}  // namespace pausa::supervisor
