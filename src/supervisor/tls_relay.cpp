#include "supervisor/tls_relay.hpp"

#include "sys/socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace pausa::supervisor {

TlsRelay::TlsRelay(const std::string& program, sys::UniqueFd server, const std::string& name) {
  auto [ours, theirs] = sys::socket_pair(SOCK_STREAM);
  sys::ToolRequest request;
  request.program = program;
  request.arguments = {"pausa-tls"};
  if (!name.empty()) request.arguments.push_back(name);
  request.descriptors = {{theirs.get(), 0}, {server.get(), 1}};
  tool_.emplace(request);
  (void)::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  stream_ = std::move(ours);
}

}  // namespace pausa::supervisor
