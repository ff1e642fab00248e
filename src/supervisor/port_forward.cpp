#include "supervisor/port_forward.hpp"

#include "net/forward.hpp"
#include "net/publish.hpp"
#include "pod/status.hpp"
#include "state/watch.hpp"
#include "supervisor/fd_watch.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/stored_pod.hpp"
#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"
#include "sys/net_socket.hpp"
#include "sys/process.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <list>
#include <optional>

namespace pausa::supervisor {
namespace {

// A server that has just been started may not listen yet.
constexpr std::chrono::milliseconds patience(2000);

std::uint16_t bound_port(int socket) {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  sys::check(::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size), "read a port");
  return ntohs(reinterpret_cast<const sockaddr_in*>(&own)->sin_port);  // sin6_port is there, too
}

// A pod as it is just now.
struct Seen {
  state::Record record;
  pod::Pod pod;
  sys::UniqueFd infra;
};

bool runs(const state::Record& record) {
  return record.infra && !record.state.finished && !record.state.stopping &&
         sys::alive(record.infra);
}

}  // namespace

class PortForward::Loop {
 public:
  Loop(state::Store store, Source source)
      : store_(std::move(store)), source_(std::move(source)), watch_(store_.paths()) {}

  std::uint16_t listen(const std::string& address, std::uint16_t local, const pod::PortRef& remote,
                       bool udp) {
    net::PublishedPort port;
    port.host = net::parse_address(address);
    if (!port.host) throw sys::Error("\"" + address + "\" is no address of this machine");
    port.host_port = local;
    port.udp = udp;
    auto socket = net::listen_on(port);
    if (!socket) refuse_taken(port, store_);
    refuse_node_ports({port}, store_);
    const auto number = bound_port(socket.get());
    lines_.push_back({std::move(socket), number, remote, udp, 0, nullptr});
    return number;
  }

  void run(int stop) {
    (void)::signal(SIGPIPE, SIG_IGN);  // splice(2) cannot be told not to send it
    FdWatch changes(io_, watch_.fd());
    FdWatch end(io_, stop);
    end.wait([this] { io_.stop(); });
    look_again(changes);
    io_.run();
    for (auto& line : lines_) line.forwarder.reset();
  }

 private:
  struct Line {
    sys::UniqueFd socket;
    std::uint16_t local;
    pod::PortRef remote;
    bool udp;
    std::uint16_t pod_port;
    std::unique_ptr<net::Forwarder> forwarder;  // ends before its socket; none: who connects waits
  };

  // Clear, add, read, wait: that order misses nothing.
  void look_again(FdWatch& changes) {
    (void)watch_.clear();
    std::string hindrance;
    try {
      hindrance = look();
    } catch (const sys::Error& error) {
      hindrance = error.what();  // damaged, or being replaced just now
    }
    say(hindrance);
    changes.wait([this, &changes] { look_again(changes); });
  }

  void say(const std::string& hindrance) {
    if (hindrance == said_) return;
    if (hindrance.empty())
      source_.tell("pod " + pod_->name + " serves again");
    else
      source_.tell(hindrance + "; connections wait");
    said_ = hindrance;
  }

  // Leads all ports where they are to go now; what keeps one of them from it.
  std::string look() {
    auto seen = choose();
    if (!seen) {
      for (auto& line : lines_) line.forwarder.reset();
      sockets_.clear();  // they would keep its network
      pidfd_.reset();
      infra_ = {};
      return source_.words + " does not run";
    }
    if (!(seen->record.infra == infra_)) {
      for (auto& line : lines_) line.forwarder.reset();
      sockets_.clear();
      infra_ = seen->record.infra;
      pidfd_ = std::move(seen->infra);
    }
    std::string hindrance;
    for (auto& line : lines_)
      if (const auto why = lead(line, *seen); !why.empty()) hindrance = why;
    return hindrance;
  }

  // The one that it leads to as long as it runs; else one that is ready, else one that runs.
  std::optional<Seen> choose() {
    auto keys = source_.pods();
    if (pod_) {
      const auto own = std::find(keys.begin(), keys.end(), *pod_);
      if (own != keys.end()) std::rotate(keys.begin(), own, own + 1);
    }
    std::optional<Seen> chosen;
    for (const auto& key : keys) {
      watch_.add(key);
      if (chosen) continue;
      auto seen = see(key);
      if (!seen) continue;
      const bool ready = pod::pod_is_ready(seen->pod, seen->record.state);
      if (!ready && !(pod_ && key == *pod_) && &key != &keys.back()) {
        if (!spare_) spare_ = std::move(seen);
        continue;
      }
      chosen = std::move(seen);
    }
    if (!chosen) chosen = std::move(spare_);
    spare_.reset();
    if (chosen) pod_ = chosen->record.key;
    return chosen;
  }

  std::optional<Seen> see(const state::PodKey& key) const {
    auto record = store_.read(key);
    if (!record || !runs(*record)) return std::nullopt;
    auto infra = sys::open_process(record->infra);
    if (!infra) return std::nullopt;
    auto pod = read_living_pod(store_, *record).pod;
    return Seen{std::move(*record), std::move(pod), std::move(*infra)};
  }

  std::string lead(Line& line, const Seen& seen) {
    const auto found = pod::find_port(seen.pod.spec, line.remote, line.udp);
    std::string why;
    if (!found)
      why = "pod " + seen.record.key.name + " has no port " + line.remote.name;
    else if (seen.pod.spec.host_network && line.local == found->number)
      why = "pod " + seen.record.key.name + " has this machine's network: connect to port " +
            std::to_string(line.local) + " itself, or forward another one";
    else if (found->container && *found->container >= seen.record.state.containers.size())
      why = "pod " + seen.record.key.name + " is being replaced";
    else if (found->container && seen.record.state.containers[*found->container].stage !=
                                     pod::ContainerState::Stage::running)
      why = "container " + seen.record.containers[*found->container].name + " of pod " +
            seen.record.key.name + " does not run";
    if (!why.empty()) {
      line.forwarder.reset();
      return why;
    }
    if (line.forwarder && line.pod_port == found->number) return {};
    line.pod_port = found->number;
    line.forwarder.reset();
    auto target = target_to(seen, line);
    line.forwarder = line.udp ? net::forward_udp(io_, line.socket.get(), std::move(target))
                              : net::forward_tcp(io_, line.socket.get(), std::move(target));
    return {};
  }

  net::ForwardTarget target_to(const Seen& seen, const Line& line) {
    net::ForwardTarget target;
    target.port = line.pod_port;
    target.patience = patience;
    for (const char* loopback : {"127.0.0.1", "::1"})
      target.addresses.push_back(*net::parse_address(loopback));
    for (const auto& text : addresses_of(seen.record.network))
      if (const auto address = net::parse_address(text)) target.addresses.push_back(*address);
    target.refused = [this, name = seen.record.key.name, port = line.pod_port] {
      source_.tell("nobody listens at port " + std::to_string(port) + " of pod " + name);
    };
    if (seen.pod.spec.host_network)
      target.make_socket = sys::socket_here;
    else
      target.make_socket = [this](int domain, int type) {
        return type == SOCK_STREAM ? sockets_.take(pidfd_.get(), domain)
                                   : sys::socket_in(pidfd_.get(), domain, type);
      };
    return target;
  }

  state::Store store_;
  Source source_;
  boost::asio::io_context io_;
  state::Watch watch_;
  sys::SocketStock sockets_;
  sys::UniqueFd pidfd_;
  sys::ProcessId infra_;
  std::optional<state::PodKey> pod_;
  std::optional<Seen> spare_;
  std::list<Line> lines_;
  std::string said_;
};

PortForward::PortForward(state::Store store, Source source)
    : loop_(std::make_unique<Loop>(std::move(store), std::move(source))) {}
PortForward::~PortForward() = default;

std::uint16_t PortForward::listen(const std::string& address, std::uint16_t local,
                                  const pod::PortRef& remote, bool udp) {
  return loop_->listen(address, local, remote, udp);
}

void PortForward::run(int stop) {
  loop_->run(stop);
}

}  // namespace pausa::supervisor
