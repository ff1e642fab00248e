// The life of a pod as a pure state machine: state × event → state + actions. It knows Kubernetes'
// rules (init containers and sidecars, restart policies, back-off, probes, hooks, graces, phases)
// and no system call; the supervisor feeds it events and carries its actions out. The state is
// plain data and is kept in the pod's record, so that the next supervisor goes on where the last
// one was killed.
#pragma once

#include "pod/backoff.hpp"
#include "pod/probe.hpp"
#include "pod/spec.hpp"

#include <array>
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
  // How far the end that we have asked for has come.
  enum class Ending : std::uint8_t {
    no,
    pre_stop,  // its hook is under way
    turn,      // a sidecar that waits for those that may need it
    signalled,
    killed
  };
  Stage stage = Stage::waiting;
  bool sidecar = false;
  bool ephemeral = false;  // added for debugging: started once, and nothing waits for it
  std::string waiting_reason = "PodInitializing";
  std::string waiting_message;
  std::uint32_t restart_count = 0;
  std::uint32_t launches = 0;  // instances so far; instance launches-1 is the current one
  WallTime started{0};         // of the running instance
  Time started_at{0};
  std::optional<Termination> terminated;  // stage terminated
  std::optional<Termination> last;        // the end of the instance before
  Backoff backoff;
  Duration pull_wait{0};           // how long its last failed pull is waited for; not kept
  std::optional<Time> restart_at;  // waiting for this moment
  bool restart_requested = false;  // by the user: started again whatever the policy, at once
  std::optional<HookKind> hook;    // under way
  bool up = false;                 // running, its postStart hook done, its startup probe passed
  bool ready = false;
  WallTime ready_since{0};  // when `ready` changed last
  Ending ending = Ending::no;
  std::optional<Time> kill_at;  // when the step of the ending has had its time
  std::array<ProbeState, probe_kinds> probes;
};

// A condition that somebody outside sets (readinessGates).
struct GateState {
  std::string type;
  bool holds = false;
  WallTime since{0};
  std::string reason = {};
  std::string message = {};
};

struct PodState {
  std::vector<ContainerState> containers;  // init containers first, then the others
  Phase phase = Phase::pending;            // failed and succeeded only when finished
  std::string reason;  // why it fails as a whole: known before the phase says so
  std::string message;
  bool sandbox = false;                 // infra runs
  bool stopping = false;                // a stop was asked for, or the pod is over for good
  bool completing = false;              // of the latter kind: nobody asked for it
  bool restarting_all = false;          // RestartAllContainers: until nothing runs
  bool finished = false;                // nothing runs and nothing will be started
  std::optional<Time> kill_at;          // stopping: the end of the grace period
  std::optional<Time> deadline;         // activeDeadlineSeconds
  std::optional<WallTime> initialized;  // when the last init container was through
  std::optional<WallTime> sandbox_ready;
  std::vector<GateState> gates;
};

// Why a container waits for which something is missing: it is tried again, whatever its policy.
// What it refers to leads nowhere, or its image is gone, which is brought again in ever longer
// intervals.
inline constexpr const char* config_error = "CreateContainerConfigError";
inline constexpr const char* pull_error = "ErrImagePull";
inline constexpr const char* pull_back_off = "ImagePullBackOff";
inline constexpr const char* never_pull_error = "ErrImageNeverPull";
bool is_image_reason(std::string_view reason);
bool waits_for_missing(const ContainerState& container);

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
// What it refers to, or runs on, is not there (any more): nothing was made for this start.
struct ConfigFault {
  std::size_t container;
  std::string message;
  WallTime wall;
  std::string reason = config_error;
  std::string image = {};  // the one that is gone; empty: the container's own
};
// What containers refer to may have changed.
struct ConfigChanged {
  WallTime wall;
};
struct Exited {
  std::size_t container;
  int exit_code;
  int signal;
  bool oom_killed;
  WallTime wall;
  std::string message = {};  // the termination message
};
struct HookDone {
  std::size_t container;
  HookKind kind;
  bool success;
  WallTime wall;
};
struct ProbeDone {
  std::size_t container;
  ProbeKind kind;
  bool success;
  WallTime wall;
};
struct Stop {
  Duration grace;
  WallTime wall{0};
};
struct Restart {  // of one container, asked for by the user
  std::size_t container;
  Duration grace;
  WallTime wall{0};
};
struct Added {  // an ephemeral container, to the spec and at the end of the states
  WallTime wall;
};
struct SetGate {
  GateState gate;  // since when is found out
  WallTime wall;
};
struct Evict {  // it takes more of the machine than it may
  std::string message;
  WallTime wall;
};
struct Resume {};  // a new supervisor takes over
struct Tick {      // time has passed
  WallTime wall{0};
};
}  // namespace event

using Event = std::variant<event::SandboxUp, event::SandboxDied, event::Started, event::StartFailed,
                           event::ConfigFault, event::ConfigChanged, event::Exited, event::HookDone,
                           event::ProbeDone, event::Stop, event::Restart, event::Added,
                           event::SetGate, event::Evict, event::Resume, event::Tick>;

// Why a container is ended, for its history.
enum class Cause : std::uint8_t { stop, restart, liveness, startup, post_start, restart_all };

struct Action {
  enum class Kind : std::uint8_t {
    start,        // launch container; several in one batch set up in parallel, start in this order
    run_hook,     // `hook`, answered by HookDone
    cancel_hook,  // end the one under way; no answer
    check,        // `probe`, answered by ProbeDone
    terminate,    // send its stop signal
    kill,         // SIGKILL to all its processes
    rebuild_sandbox,
    tear_down,  // the pod is finished: end infra
    // for the history alone:
    tell_killing,    // the container is ended because of `cause`
    tell_unhealthy,  // `probe` failed at one of its times
    tell_back_off    // its restart, or the next pull of its image, waits
  };
  Kind kind;
  std::size_t container = 0;
  Cause cause = Cause::stop;
  ProbeKind probe = ProbeKind::startup;
  HookKind hook = HookKind::post_start;
};

class Lifecycle {
 public:
  // The spec is borrowed and must outlive the machine; it may change between two events, with the
  // same containers and more ephemeral ones. exact_probes: without fast polls.
  Lifecycle(const Spec& spec, const BackoffPolicy& backoff, bool exact_probes = false);

  PodState initial() const;
  std::vector<Action> handle(PodState& state, const Event& event, Time now) const;
  // When handle(Tick) is due; nullopt: only on an event.
  std::optional<Time> next_wake(const PodState& state) const;

  const Container& container(std::size_t index) const { return container_at(*spec_, index); }

 private:
  struct Step;  // lifecycle_step.hpp
  std::size_t init_count() const { return spec_->init_containers.size(); }
  std::size_t count() const { return container_count(*spec_); }

  const Spec* spec_;
  BackoffPolicy backoff_;
  bool exact_probes_;
};

// The ephemeral containers' place at the end of the states.
std::size_t first_ephemeral(const PodState& state);
// Whether every container that is to run does (init containers done, hooks through).
bool all_running(const PodState& state, std::size_t init_count);
// The pod's exit code: the first failing container's in the manifest's order, sidecars apart, else
// 0; 1 for a pod that failed without one (its deadline).
int exit_code(const PodState& state);

}  // namespace pausa::pod
