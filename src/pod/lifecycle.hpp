// The life of a pod as a pure state machine: state × event → state + actions. It knows Kubernetes'
// rules (init containers one by one, restart policies, back-off, phases) and no system call; the
// supervisor feeds it events and carries its actions out. The state is plain data and is kept in
// the pod's record, so that the next supervisor goes on where the last one was killed.
#pragma once

#include "pod/backoff.hpp"
#include "pod/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pausa::pod {

// Wall-clock time, nanoseconds since 1970, for people only.
using WallTime = std::chrono::nanoseconds;

enum class Phase : std::uint8_t { pending, running, succeeded, failed };
std::string_view phase_name(Phase phase);  // "Pending", …

// How a container ended (Kubernetes' ContainerStateTerminated).
struct Termination {
  int exit_code = 0;   // 128 + signal where a signal ended it
  int signal = 0;      // 0: it exited by itself
  std::string reason;  // "Completed", "Error", "OOMKilled", "StartError", …
  std::string message;
  WallTime started{0};
  WallTime finished{0};
};

struct ContainerState {
  enum class Stage : std::uint8_t {
    waiting,   // not started yet, or waiting for its back-off
    starting,  // the launch is under way
    running,
    terminated,  // ended, and not (yet) to be started again
  };
  Stage stage = Stage::waiting;
  std::string waiting_reason = "PodInitializing";
  std::string waiting_message;
  std::uint32_t restart_count = 0;
  std::uint32_t launches = 0;  // instances so far; instance launches-1 is the current one
  WallTime started{0};         // of the running instance
  Time started_at{0};
  std::optional<Termination> terminated;  // stage terminated
  std::optional<Termination> last;        // the end of the instance before
  Backoff backoff;
  std::optional<Time> restart_at;  // waiting for this moment
  bool restart_requested = false;  // by the user: started again whatever the policy, at once
  std::optional<Time> kill_at;     // the end of this container's own grace period
};

struct PodState {
  std::vector<ContainerState> containers;  // init containers first, then the others
  Phase phase = Phase::pending;
  std::string reason;
  std::string message;
  bool sandbox = false;         // infra runs
  bool stopping = false;        // a stop was asked for, or the pod failed for good
  bool finished = false;        // nothing runs and nothing will be started
  std::optional<Time> kill_at;  // stopping: the end of the grace period
  bool killed = false;
  std::optional<WallTime> initialized;  // when the last init container succeeded
  std::optional<WallTime> sandbox_ready;
};

namespace event {
struct SandboxUp {
  WallTime wall;
};
struct SandboxDied {
  WallTime wall;
};
struct Started {
  std::size_t container;
  WallTime wall;
};
struct StartFailed {
  std::size_t container;
  std::string reason;  // "StartError", "CreateContainerError", …
  std::string message;
  int exit_code;  // 126, 127 or 128
  WallTime wall;
};
struct Exited {
  std::size_t container;
  int exit_code;
  int signal;
  bool oom_killed;
  WallTime wall;
};
struct Stop {
  Duration grace;
};
struct Restart {  // of one container, asked for by the user
  std::size_t container;
  Duration grace;
};
struct Tick {};  // time has passed
}  // namespace event

using Event = std::variant<event::SandboxUp, event::SandboxDied, event::Started, event::StartFailed,
                           event::Exited, event::Stop, event::Restart, event::Tick>;

struct Action {
  enum class Kind : std::uint8_t {
    start,      // launch container; several in one batch set up in parallel, start in this order
    terminate,  // send its stop signal
    kill,       // SIGKILL to all its processes
    rebuild_sandbox,
    tear_down  // the pod is finished: end infra
  };
  Kind kind;
  std::size_t container = 0;
};

class Lifecycle {
 public:
  Lifecycle(const Spec& spec, const BackoffPolicy& backoff);

  PodState initial() const;
  std::vector<Action> handle(PodState& state, const Event& event, Time now) const;
  // When handle(Tick) is due; nullopt: only on an event.
  std::optional<Time> next_wake(const PodState& state) const;

 private:
  struct Step;
  std::size_t init_count_;
  std::size_t count_;
  RestartPolicy policy_;
  BackoffPolicy backoff_;
};

// Whether every container that is to run does (init containers done).
bool all_running(const PodState& state, std::size_t init_count);
// The pod's exit code: the first failing container's in the manifest's order, else 0.
int exit_code(const PodState& state);

}  // namespace pausa::pod
