// The line from a new supervisor to the command that started it: one packet says whether the pod
// runs. The command waits for it; after that, nobody does.
#pragma once

#include "sys/fd.hpp"

#include <string>
#include <string_view>

namespace pausa::supervisor {

class Starter {
 public:
  explicit Starter(sys::UniqueFd socket = sys::UniqueFd()) : socket_(std::move(socket)) {}

  // Nothing was said yet, and nothing decided.
  bool waiting() const { return static_cast<bool>(socket_) && failure_.empty(); }
  // A part of `--explain`.
  void explain(std::string_view text);
  void running();
  // It will not run. Told by settle(), when what was made of it is gone again.
  void fail(std::string sentence);
  void settle();

 private:
  void send(char kind, std::string_view text);
  sys::UniqueFd socket_;
  std::string failure_;
};

struct StarterReply {
  enum class Kind : std::uint8_t { explain, running, failed, lost };
  Kind kind = Kind::lost;
  std::string text;
};
// The command's end: the next packet; lost when the supervisor died.
StarterReply receive_starter(int socket);

}  // namespace pausa::supervisor
