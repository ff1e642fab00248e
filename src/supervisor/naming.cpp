// The supervisor's part for names: it answers for those of the pods on its bridge, and tells
// Services when its pod begins or ceases to count.
#include "net/name_book.hpp"
#include "net/pasta.hpp"
#include "pod/conditions.hpp"
#include "supervisor/own_services.hpp"
#include "supervisor/services.hpp"
#include "supervisor/supervisor.hpp"
#include "sys/error.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pausa::supervisor {

// Without a bridge only those need it who ask for the pods' names from the host's network, from
// where a user's bridge cannot be reached.
void Supervisor::listen_for_names() {
  const auto& spec = charge_.pod.spec;
  const bool in_user_network = record_.network.mode == state::NetworkRecord::Mode::user;
  const bool on_bridge = record_.network.mode == state::NetworkRecord::Mode::bridge ||
                         (in_user_network && user_network_);
  const bool from_host = host_.root && spec.host_network &&
                         spec.dns_policy == pod::DnsPolicy::cluster_first_with_host_net;
  if (resolver_ || (!on_bridge && !from_host)) return;
  const auto& paths = charge_.store.paths();
  const auto config = on_bridge ? bridge_of(paths, record_.network) : bridge_config(paths);
  const auto pool = net::remembered_pool(config);
  if (!pool) return;
  std::string why;
  resolver_ = net::answer_names(io_, config, *pool, why,
                                in_user_network ? user_network_.network.get() : -1);
  if (!resolver_)
    events_.add(true, "NoResolver", "",
                "nobody answers for the names of pods: " + why +
                    "; /etc/hosts has those that were known at the start");
}

NameSources Supervisor::name_sources() const {
  NameSources sources;
  sources.addresses = addresses_of(record_.network);
  const auto& paths = charge_.store.paths();
  const bool on_bridge = record_.network.mode != state::NetworkRecord::Mode::loopback;
  if (record_.network.mode == state::NetworkRecord::Mode::user)
    sources.loopback_server = net::pasta_name_server;
  const auto config = on_bridge ? bridge_of(paths, record_.network) : bridge_config(paths);
  if (resolver_) {
    if (const auto pool = net::remembered_pool(config))
      sources.resolver.push_back(net::to_text(pool->v4_of(net::Pool::bridge_number)));
  } else if (on_bridge) {
    sources.more_hosts = net::NameBook(config.folder).hosts(record_.key.namespace_);
  } else if (!charge_.pod.spec.host_network) {
    auto own = own_services(charge_.store, charge_.pod);
    sources.more_hosts = std::move(own.hosts);
    sources.service_rules = std::move(own.rules);
  }
  return sources;
}

// Services that select this pod and have ports of their own. It starts without them, too.
void Supervisor::lead_own_services(const std::string& rules) {
  if (rules.empty()) return;
  try {
    apply_own_services(rules, sandbox_->pidfd.get());
  } catch (const sys::Error& error) {
    events_.add(
        true, "NoServices", "",
        std::string("Services of this pod are not reached at their own ports: ") + error.what());
  }
}

// A user's Services are out of the host's reach, so their node ports are published by whoever has a
// pod behind them. They are read when the pod comes up and commands can tell of changes; those of
// pods that are not ready, too, so that nothing is to be read when it is. changed: Services, or the
// pod's labels.
void Supervisor::serve_node_ports(bool changed) {
  if (host_.root) return;
  const auto& state = record_.state;
  const bool up = sandbox_ && control_ && !over_ && !state.finished;
  const bool ready = up && !state.stopping && pod::pod_is_ready(charge_.pod, state);
  const std::uint8_t now = ready ? 2 : up ? 1 : 0;
  if (now == node_ports_for_ && !changed) return;
  if (!up) return close_node_ports();
  try {
    if (changed || node_ports_for_ == 0)
      own_node_ports_ = node_ports_of(charge_.store, as_endpoint(record_, charge_.pod), false);
    auto wanted = own_node_ports_;
    const bool here = charge_.pod.spec.host_network;
    std::erase_if(wanted, [ready, here](const NodePort& node) {
      return !(ready || node.always) ||
             (here && node.port.pod_port == node.port.host_port);  // the server itself has it
    });
    if (!wanted.empty() && !node_ports_)
      node_ports_ = std::make_unique<NodePorts>(io_, charge_.store, [this](const std::string& why) {
        events_.add(true, "NoNodePort", "", why);
        events_.flush();
      });
    if (node_ports_) node_ports_->serve(std::move(wanted), way_of_node_ports());
    node_ports_for_ = now;
  } catch (const sys::Error& error) {
    node_ports_for_ = 0;  // once more when something has happened
    events_.add(true, "NoNodePort", "", error.what());
  }
}

// A server in a pod without addresses is at its loopback.
WayIn Supervisor::way_of_node_ports() {
  auto way = way_in();
  if (way.addresses.empty())
    for (const char* loopback : {"127.0.0.1", "::1"})
      way.addresses.push_back(*net::parse_address(loopback));
  if (charge_.pod.spec.host_network) way.sockets = nullptr;
  return way;
}

void Supervisor::close_node_ports() {
  node_ports_.reset();
  node_ports_for_ = 0;
}

// By a grandchild that the guard reaps: reading all pods and running nft(8) takes a while and
// memory, and nobody here needs to know how it ends. Whoever comes last sees all.
void Supervisor::tell_services() {
  serve_node_ports(false);
  const auto& paths = charge_.store.paths();
  if (record_.network.mode == state::NetworkRecord::Mode::loopback &&
      !charge_.pod.spec.host_network)
    return;
  if (::access((paths.network() + "/services").c_str(), F_OK) != 0) return;
  const auto& state = record_.state;
  const bool counts =
      !over_ && !state.stopping && !state.finished && pod::pod_is_ready(charge_.pod, state);
  if (counts == in_services_ && (!over_ || services_told_)) return;
  in_services_ = counts;
  services_told_ = over_;
  const pid_t child = ::fork();
  if (child < 0) return;
  if (child > 0) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
    return;
  }
  if (::fork() != 0) ::_exit(0);
  charge_.lock.release();
  (void)
      resolver_.release();  // its sockets are the parent's, too: nothing may be read from them here
  // Nor may what the supervisor listens on, or the pod's streams, stay open for as long as this
  // takes.
  (void)::close_range(3, ~0U, 0);
  try {
    sync_services(charge_.store);
  } catch (const std::exception&) {
    // Whoever starts or removes a pod next does it again, and says why it fails.
  }
  ::_exit(0);
}

}  // namespace pausa::supervisor
