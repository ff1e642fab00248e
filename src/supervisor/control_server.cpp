#include "supervisor/control_server.hpp"

#include "control/client.hpp"
#include "sys/socket.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <vector>

namespace pausa::supervisor {
namespace {

constexpr std::size_t max_connections = 64;

bool may_ask(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

}  // namespace

ControlServer::ControlServer(boost::asio::io_context& io, int run_dir, Handler handler)
    : io_(io),
      listener_(sys::listen_at(run_dir, control::socket_name, SOCK_SEQPACKET | SOCK_NONBLOCK)),
      watch_(io, listener_.get()),
      handler_(std::move(handler)) {
  accept();
}

void ControlServer::accept() {
  watch_.wait([this] {
    for (;;) {
      sys::UniqueFd socket(
          ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!socket) break;
      if (connections_.size() >= max_connections || !may_ask(socket.get())) continue;
      const int fd = socket.get();
      connections_.push_back({std::move(socket), std::make_unique<FdWatch>(io_, fd)});
      receive(std::prev(connections_.end()));
    }
    accept();
  });
}

void ControlServer::receive(std::list<Connection>::iterator connection) {
  connection->watch->wait([this, connection] {
    std::vector<char> packet(control::max_packet);
    int passenger = -1;
    const long size =
        sys::receive_packet(connection->socket.get(), packet.data(), packet.size(), passenger);
    const sys::UniqueFd unwanted(passenger);
    const auto request =
        size > 0 ? control::decode_request({packet.data(), static_cast<std::size_t>(size)})
                 : std::nullopt;
    // The socket lives in the answer, so that it outlasts this connection's place in the list.
    auto socket = std::make_shared<sys::UniqueFd>(std::move(connection->socket));
    connections_.erase(connection);
    if (!request) return;
    handler_(*request, [socket](const control::Reply& reply) {
      const std::string text = control::encode(reply);
      (void)sys::send_packet(socket->get(), text.data(), text.size());  // nobody need listen
    });
  });
}

}  // namespace pausa::supervisor
