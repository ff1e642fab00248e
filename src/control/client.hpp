// A command's end of a control socket.
#pragma once

#include "control/protocol.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <optional>

namespace pausa::control {

inline constexpr const char* socket_name = "control.sock";

// A question that was put and whose answer is still to come: several may be under way at once.
class Call {
 public:
  // nullopt: nobody listens.
  static std::optional<Call> put(int run_dir, const Request& request);

  // Readable when the answer is there, or nobody is left to give it.
  int fd() const { return socket_.get(); }
  // Whether it is, before the timeout.
  bool ready(std::chrono::milliseconds timeout) const;
  // As call() below.
  std::optional<Reply> wait(std::chrono::milliseconds timeout);

 private:
  explicit Call(sys::UniqueFd socket) : socket_(std::move(socket)) {}
  sys::UniqueFd socket_;
};

// Asks the supervisor that listens in the pod's run folder and waits for its answer. nullopt:
// nobody listens, or the supervisor died before it answered (then the pod's record says how far it
// came, and the question may be put again). Throws sys::Error at the deadline.
std::optional<Reply> call(int run_dir, const Request& request, std::chrono::milliseconds timeout);

}  // namespace pausa::control
