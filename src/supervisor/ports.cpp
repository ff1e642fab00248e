#include "supervisor/ports.hpp"

#include "net/bridge.hpp"
#include "net/policy.hpp"
#include "net/port_map.hpp"
#include "supervisor/kept.hpp"
#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

// A port's number and address make its key, so that it means the same to the next supervisor
// whatever has become of the manifest: the order in the list of all would not.
std::uint64_t key_of(const net::PublishedPort& port) {
  const auto hash = sys::stable_hash(net::to_text(port) + ">" + std::to_string(port.pod_port));
  return encode({hash, 0, Kept::port});
}

net::PublishedPort published(const pod::ContainerPort& port) {
  net::PublishedPort published;
  published.host_port = port.host_port;
  published.pod_port = port.container_port;
  published.udp = port.protocol == pod::Protocol::udp;
  // Both words for "every address" mean both families, as they do to a node.
  if (!port.host_ip.empty() && port.host_ip != "0.0.0.0" && port.host_ip != "::")
    published.host = net::parse_address(port.host_ip);
  return published;
}

}  // namespace

std::vector<net::PublishedPort> published_ports(const pod::Spec& spec) {
  std::vector<net::PublishedPort> ports;
  if (spec.host_network) return ports;
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list)
      for (const auto& port : container.ports) {
        if (port.host_port == 0 || port.protocol == pod::Protocol::sctp) continue;
        const auto wanted = published(port);
        if (std::find(ports.begin(), ports.end(), wanted) == ports.end()) ports.push_back(wanted);
      }
  return ports;
}

namespace {

// Read for each connection, so that nobody has to be told of a change. What cannot be read lets
// nobody in.
bool admits(const std::string& gate, const net::PublishedPort& port, const net::Address& client) {
  constexpr std::size_t gate_limit = 4U << 20U;
  try {
    const auto text = sys::read_file_at(AT_FDCWD, gate, gate_limit);
    return !text || net::gate_admits(*text, port.udp, port.pod_port, client);
  } catch (const sys::Error&) {
    return false;
  }
}

}  // namespace

net::ForwardTarget target_of(const WayIn& way, const net::PublishedPort& port) {
  net::ForwardTarget target;
  target.make_socket = sys::socket_here;
  if (way.sockets != nullptr)
    target.make_socket = [pidfd = way.pidfd, sockets = way.sockets](int domain, int type) {
      return type == SOCK_STREAM ? sockets->take(pidfd, domain)
                                 : sys::socket_in(pidfd, domain, type);
    };
  target.port = port.pod_port;
  target.addresses = way.addresses;
  target.admits = [gate = way.gate, port](const net::Address& client) {
    return admits(gate, port, client);
  };
  return target;
}

namespace {

// The kernel may forward them still for pods that were killed, on whichever bridge.
void take_from_kernel(const std::vector<net::PublishedPort>& ports, const state::Store& store) {
  if (ports.empty() || ::geteuid() != 0) return;
  for (const auto& bridge : net::known_bridges(store.paths().network())) try {
      net::remove_from_map(bridge, ports);
    } catch (const sys::Error&) {
      continue;  // a kernel without nf_tables
    }
}

}  // namespace

bool Ports::has(const net::PublishedPort& port) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&port](const Open& open) { return open.port == port; });
}

void Ports::listen(const pod::Spec& spec, const state::Store& store) {
  std::vector<Open> fresh;
  std::vector<net::PublishedPort> taken;
  std::vector<net::PublishedPort> bound;
  for (const auto& port : published_ports(spec)) {
    if (has(port)) continue;
    // Where only the pod's port changes, or the address, ours are those that have it.
    std::vector<int> ours;
    sys::UniqueFd socket;
    for (const auto& open : open_) {
      if (open.port.host_port != port.host_port || open.port.udp != port.udp) continue;
      if (open.port.host == port.host)
        socket.reset(sys::check(::fcntl(open.socket.get(), F_DUPFD_CLOEXEC, 0), "copy a socket"));
      ours.push_back(open.socket.get());
    }
    for (const auto& open : fresh)
      if (open.port.host_port == port.host_port && open.port.udp == port.udp &&
          open.port.host != port.host)
        ours.push_back(open.socket.get());
    if (!socket) {
      socket = net::listen_on(port, ours);
      if (!socket) refuse_taken(port, store);
      bound.push_back(port);
    }
    fresh.push_back({port, std::move(socket), nullptr, {}});
    taken.push_back(port);
  }
  refuse_node_ports(bound, store);
  take_from_kernel(taken, store);
  for (auto& open : fresh) open_.push_back(std::move(open));
  if (!open_.empty()) used_ = true;
}

void Ports::adopt(const pod::Spec& spec, infra::Client& client) {
  const auto ports = published_ports(spec);
  for (const auto key : client.list_fds()) {
    if (decode(key).kind != Kept::port) continue;
    const auto port = std::find_if(ports.begin(), ports.end(), [key](const auto& candidate) {
      return key_of(candidate) == key;
    });
    // One that the manifest does not have: of an update that its supervisor did not live to end.
    if (port == ports.end())
      (void)client.drop_fd(key);
    else if (auto socket = client.get_fd(key); socket && !has(*port))
      open_.push_back({*port, std::move(*socket), nullptr, {}});
  }
}

void Ports::keep(infra::Client& client) const {
  if (!used_) return;
  for (const auto& open : open_) client.put_fd(key_of(open.port), open.socket.get());
  // What was dropped is closed only when infra's copy is, too.
  for (const auto key : client.list_fds())
    if (decode(key).kind == Kept::port &&
        std::none_of(open_.begin(), open_.end(),
                     [key](const Open& open) { return key_of(open.port) == key; }))
      (void)client.drop_fd(key);
}

void Ports::forward(boost::asio::io_context& io, const WayIn& way, const std::string& bridge,
                    const std::vector<pod::ProxiedPort>& proxied) {
  bridge_ = bridge;
  addresses_ = way.addresses;
  for (auto& open : open_) {
    if (open.forwarder) continue;
    auto target = target_of(way, open.port);
    target.addresses.push_back(*net::parse_address("127.0.0.1"));
    target.addresses.push_back(*net::parse_address("::1"));
    for (const auto& one : proxied)
      if (one.port == target.port && !open.port.udp) target.proxy_protocol = one.version;
    if (!bridge.empty() && target.proxy_protocol == 0)
      target.answered = [this, port = open.port](const net::Address& address) {
        map(port, address);
      };
    open.forwarder = open.port.udp ? net::forward_udp(io, open.socket.get(), std::move(target))
                                   : net::forward_tcp(io, open.socket.get(), std::move(target));
  }
}

// A connection that still comes to us may mean that somebody has flushed the rules, or that it is
// of those that the kernel does not carry. So it is told again, and not each time.
void Ports::map(const net::PublishedPort& port, const net::Address& answered) {
  constexpr std::chrono::seconds rest(1);
  if (std::find(addresses_.begin(), addresses_.end(), answered) == addresses_.end()) return;
  for (auto& open : open_) {
    if (!(open.port == port)) continue;
    const auto now = std::chrono::steady_clock::now();
    auto& mapped = open.mapped[answered.v6 ? 1 : 0];
    if (mapped.time_since_epoch().count() != 0 && now - mapped < rest) return;
    mapped = now;
    try {
      (void)net::add_to_map(bridge_, port, answered);
    } catch (const sys::Error&) {
      return;  // a kernel without nf_tables: we forward
    }
  }
}

// Also what an earlier supervisor may have put there.
void Ports::unmap(const std::vector<Open*>& some) {
  std::vector<net::PublishedPort> ports;
  for (auto* open : some) {
    open->mapped = {};
    if (open->forwarder) open->forwarder->forget();
    ports.push_back(open->port);
  }
  if (bridge_.empty() || ports.empty()) return;
  try {
    net::remove_from_map(bridge_, ports);
  } catch (const sys::Error&) {
    return;  // a kernel without nf_tables
  }
}

void Ports::withdraw(const pod::Container& container) {
  std::vector<Open*> own;
  for (auto& open : open_)
    if (std::any_of(container.ports.begin(), container.ports.end(),
                    [&open](const auto& port) { return published(port) == open.port; }))
      own.push_back(&open);
  unmap(own);
}

void Ports::drop_others(const pod::Spec& spec) {
  const auto wanted = published_ports(spec);
  const auto unwanted = [&wanted](const Open& open) {
    return std::find(wanted.begin(), wanted.end(), open.port) == wanted.end();
  };
  std::vector<Open*> others;
  for (auto& open : open_)
    if (unwanted(open)) others.push_back(&open);
  unmap(others);
  // Before its socket is closed: the loop must let go of it while the number is still its own.
  for (auto* open : others) open->forwarder.reset();
  std::erase_if(open_, unwanted);
}

void Ports::pause() {
  std::vector<Open*> all;
  for (auto& open : open_) all.push_back(&open);
  unmap(all);
  for (auto& open : open_) open.forwarder.reset();
}

void Ports::rest() {
  for (auto& open : open_)
    if (open.forwarder) open.forwarder->rest();
}

}  // namespace pausa::supervisor
