// A question to a pod's supervisor whose answer may take long (a stop takes its grace period), and
// a supervisor that may hang: somebody has stopped it, or it is stuck. It may be killed at any
// instant, since the next one goes on from infra and the record; so one that is hung is.
#pragma once

#include "cli/wait_pod.hpp"
#include "control/client.hpp"
#include "state/store.hpp"
#include "sys/process.hpp"

#include <chrono>
#include <optional>

namespace pausa::cli {

// Whether a supervisor still works, asked from time to time while somebody waits for it.
class Pulse {
 public:
  Pulse(const state::Store& store, state::PodKey key);

  // Empty, or why it is held to be hung: stopped for two seconds, or deaf for thirty.
  std::string why_lost();
  // Kills it and says so on stderr. Throws sys::Error when it does not die.
  void end_supervisor(const std::string& why) const;

 private:
  using Clock = std::chrono::steady_clock;
  const state::Store* store_;
  state::PodKey key_;
  sys::ProcessId supervisor_;
  std::optional<Clock::time_point> stopped_since_;
  std::optional<control::Call> ping_;
  Clock::time_point asked_;
};

class SupervisorCall {
 public:
  // nullopt: nobody listens.
  static std::optional<SupervisorCall> put(const state::Store& store, const state::PodKey& key,
                                           const control::Request& request);

  // Waits until the answer is there, or nobody is left to give it (the supervisor died over it, or
  // was hung and is killed). With patience it may be given up.
  enum class Heard : std::uint8_t { settled, interrupted, timed_out };
  Heard listen(const Patience& patience);

  // The answer, however long it takes. nullopt when the supervisor died over it, or was hung and
  // is killed: the next one may be asked.
  std::optional<control::Reply> wait();

 private:
  SupervisorCall(const state::Store& store, state::PodKey key, control::Call call)
      : store_(&store), key_(std::move(key)), call_(std::move(call)) {}
  const state::Store* store_;
  state::PodKey key_;
  control::Call call_;
  std::optional<Pulse> pulse_;  // most answers come before anybody would look
  bool lost_ = false;
};

}  // namespace pausa::cli
