// Waiting for a pod to come to something, by its record: no supervisor is asked, nothing is polled.
#pragma once

#include "cli/target.hpp"
#include "state/store.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace pausa::cli {

enum class Goal : std::uint8_t {
  started,  // every container has run, init containers before them
  ready,    // every container runs
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

// Waits until it is reached or cannot be any more; on_the_way at the deadline. A pod that does not
// exist yet is waited for. interrupt: a descriptor whose becoming readable ends the wait.
Progress wait_pod(const state::Store& store, const Target& target, Goal goal,
                  std::optional<std::chrono::steady_clock::time_point> deadline,
                  int interrupt = -1);

}  // namespace pausa::cli
