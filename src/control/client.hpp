// A command's end of a control socket.
#pragma once

#include "control/protocol.hpp"

#include <chrono>
#include <optional>

namespace pausa::control {

inline constexpr const char* socket_name = "control.sock";

// Asks the supervisor that listens in the pod's run folder and waits for its answer. nullopt:
// nobody listens, or the supervisor died before it answered (then the pod's record says how far it
// came, and the question may be put again). Throws sys::Error at the deadline.
std::optional<Reply> call(int run_dir, const Request& request, std::chrono::milliseconds timeout);

}  // namespace pausa::control
