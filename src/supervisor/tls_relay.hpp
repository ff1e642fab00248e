// TLS for a check: a process of pausa-tls between us and a server. We talk plainly to it.
#pragma once

#include "sys/fd.hpp"
#include "sys/tool.hpp"

#include <optional>
#include <string>

namespace pausa::supervisor {

class TlsRelay {
 public:
  // server: a connected socket. name: the server's, empty where it has none (an address). Throws
  // sys::Error.
  TlsRelay(const std::string& program, sys::UniqueFd server, const std::string& name);

  // Our end of the conversation.
  sys::UniqueFd take_stream() { return std::move(stream_); }
  // After its end: why there was none, in a few words; empty when nothing went wrong.
  std::string failure() const { return tool_->errors_so_far(); }

 private:
  sys::UniqueFd stream_;
  std::optional<sys::Tool> tool_;
};

}  // namespace pausa::supervisor
