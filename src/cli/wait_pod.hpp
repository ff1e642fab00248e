// Waiting for a pod to come to something, by its record: no supervisor is asked, nothing is polled.
#pragma once

#include "cli/target.hpp"
#include "state/store.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pausa::cli {

enum class Goal : std::uint8_t {
  started,  // every container has run, init containers before them
  running,  // every container runs
  ready,    // every container is ready
  exited,   // nothing of it runs, and nothing will be started
  deleted   // nothing of it is left
};
const char* goal_name(Goal goal);

struct Progress {
  enum class Kind : std::uint8_t { reached, on_the_way, impossible, interrupted };
  Kind kind = Kind::on_the_way;
  std::string missing;  // what is not so yet: "api waits (CrashLoopBackOff)"
};

// How far it is now. With a container in the target, that one alone counts.
Progress look(const state::Store& store, const Target& target, Goal goal);

// When to give up waiting.
struct Patience {
  std::optional<std::chrono::steady_clock::time_point> deadline;
  int interrupt = -1;  // a descriptor whose becoming readable ends the wait
};

// Waits until `look` says that it is reached or cannot be any more; on_the_way at the deadline. It
// is asked again when something of the pod changes, or when `fd` (if any) is readable. A pod that
// does not exist yet is waited for.
Progress wait_until(const state::Store& store, const state::PodKey& key,
                    const std::function<Progress()>& look, const Patience& patience, int fd = -1);

// The same for a goal.
Progress wait_pod(const state::Store& store, const Target& target, Goal goal,
                  const Patience& patience);

// A condition of the pod's status ("Ready", "Initialized", …) has this value ("True").
Progress look_at_condition(const state::Store& store, const state::PodKey& key,
                           const std::string& type, const std::string& value);

}  // namespace pausa::cli
