// TLS for a check: a process of pausa-tls between us and a server. We talk plainly to it.
#pragma once

#include "sys/fd.hpp"

#include <string>

namespace pausa::supervisor {

class TlsRelay {
 public:
  // server: a connected socket. name: the server's, empty where it has none (an address). Throws
  // sys::Error.
  TlsRelay(const std::string& program, sys::UniqueFd server, const std::string& name);
  ~TlsRelay();
  TlsRelay(const TlsRelay&) = delete;
  TlsRelay& operator=(const TlsRelay&) = delete;

  // Our end of the conversation.
  sys::UniqueFd take_stream() { return std::move(stream_); }
  // After its end: why there was none, in a few words; empty when nothing went wrong.
  std::string failure() const;

 private:
  sys::UniqueFd stream_;
  sys::UniqueFd errors_;
  sys::UniqueFd pidfd_;
};

}  // namespace pausa::supervisor
