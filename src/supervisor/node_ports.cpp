#include "supervisor/node_ports.hpp"

#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds pause(5);

}  // namespace

NodePorts::NodePorts(boost::asio::io_context& io, state::Store store, Tell tell)
    : io_(io), store_(std::move(store)), tell_(std::move(tell)), again_(io) {}

void NodePorts::serve(std::vector<NodePort> wanted, const WayIn& way) {
  wanted_ = std::move(wanted);
  way_ = way;
  drop_unwanted();
  if (!wanted_.empty()) allow_many_descriptors();
  listen();
}

void NodePorts::drop_unwanted() {
  for (auto open = open_.begin(); open != open_.end();) {
    const auto next = std::next(open);
    if (std::find(wanted_.begin(), wanted_.end(), open->what) == wanted_.end()) {
      open->forwarder->retire();
      open->socket.reset();
      leaving_.splice(leaving_.end(), open_, open);
    }
    open = next;
  }
  std::erase_if(leaving_, [](const Open& open) { return open.forwarder->is_idle(); });
}

void NodePorts::listen() {
  again_.cancel();
  const auto before = std::exchange(missing_, {});
  std::string news;
  for (const auto& what : wanted_) {
    const bool told = std::find(before.begin(), before.end(), what) != before.end();
    missing_.push_back(what);
    try {
      if (open(what))
        missing_.pop_back();
      else if (!told)  // who has it is told once: it takes a look at every process
        refuse_taken(what.port, store_);
    } catch (const sys::Error& error) {
      if (!told)
        news += (news.empty() ? "Service " : "; Service ") + what.service + ": " + error.what();
    }
  }
  if (!news.empty()) tell_(news);
  if (missing_.empty()) return;
  again_.expires_after(pause);
  // A timer that has run out tells even when it is destroyed before its turn.
  again_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (*alive && !error) listen();
  });
}

bool NodePorts::open(const NodePort& what) {
  if (std::any_of(open_.begin(), open_.end(),
                  [&what](const Open& open) { return open.what == what; }))
    return true;
  auto socket = net::listen_together(what.port);
  if (!socket) return false;
  auto target = target_of(way_, what.port);
  auto forwarder = what.port.udp ? net::forward_udp(io_, socket.get(), std::move(target))
                                 : net::forward_tcp(io_, socket.get(), std::move(target));
  open_.push_back({what, std::move(socket), std::move(forwarder)});
  return true;
}

void NodePorts::rest() {
  drop_unwanted();
  for (auto& open : open_) open.forwarder->rest();
}

}  // namespace pausa::supervisor
