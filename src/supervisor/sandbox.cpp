// The supervisor's part that makes the sandbox, and makes up for its death.
#include "net/policy.hpp"
#include "supervisor/limits.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/volumes.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

namespace pausa::supervisor {

void Supervisor::make_groups() {
  if (!host_.cgroups.tracks() || record_.cgroup.empty()) return;
  pod_group_ =
      host_.cgroups.create(record_.cgroup, keepable(host_.cgroups, pod_limits(charge_.pod.spec)));
  infra_group_ = host_.cgroups.create(record_.cgroup + "/infra", {});
}

void Supervisor::build_sandbox() {
  ports_.listen(charge_.pod.spec, charge_.store);
  make_groups();
  listen_for_names();
  auto sources = name_sources();
  const std::string service_rules = std::move(sources.service_rules);
  auto names = make_name_files(charge_.pod, std::move(sources));
  for (const auto& note : names.notes) events_.add(true, "DNSConfigForming", "", note);
  PodSandboxBirth birth(host_, charge_.pod, run_dir_.get(), infra_group_ ? &*infra_group_ : nullptr,
                        record_.user_namespace ? std::optional(record_.id_base) : std::nullopt,
                        std::move(names));
  if (charge_.explain && starter_.waiting()) starter_.explain("infra\n" + birth.explain());
  auto network = begin_network(birth.pid(), birth.pidfd());
  // While infra comes up: what the first containers need and does not need infra.
  make_volumes(charge_.pod, charge_.store, record_);
  const std::size_t inits = charge_.pod.spec.init_containers.size();
  for (std::size_t i = 0; i < (inits > 0 ? 1 : containers_.size()); ++i) make_group(i);
  auto sandbox = birth.finish();
  if (network) network->finish();
  sandbox_.emplace(std::move(sandbox));
  record_.infra = sandbox_->id;
  lead_own_services(service_rules);
  if (user_network_) keep_user_network(sandbox_->client, user_network_);
  write_generated_volumes(charge_.pod, charge_.store, record_, true);
  record_.namespaces = sys::namespace_inodes(sandbox_->id.pid);
  watch_sandbox();
  publish_ports();
  feed(pod::event::SandboxUp{wall_now()});
}

// Infra keeps the sockets, so that whoever connects while there is no supervisor waits for the next
// one.
void Supervisor::publish_ports() {
  ports_.keep(sandbox_->client);
  // Only for a bridge of the host can its kernel forward.
  const bool on_host = record_.network.mode == state::NetworkRecord::Mode::bridge;
  ports_.forward(io_, way_in(), on_host ? record_.network.bridge : std::string(),
                 pod::proxied_ports(charge_.pod.metadata));
}

WayIn Supervisor::way_in() {
  WayIn way{sandbox_->pidfd.get(), &sandbox_->sockets, {}, {}};
  for (const auto& text : addresses_of(record_.network))
    if (const auto address = net::parse_address(text)) way.addresses.push_back(*address);
  way.gate = net::gate_path(charge_.store.paths().network(), record_.uid);
  return way;
}

// By a child, while infra comes up.
std::optional<net::Attachment> Supervisor::begin_network(pid_t pid, int pidfd) {
  const auto request = attach_request(charge_.store.paths(), record_, user_network_, pid, pidfd);
  if (!request) return std::nullopt;
  if (charge_.explain && starter_.waiting())
    if (const auto pool = net::remembered_pool(request->bridge))
      starter_.explain("\nnetwork\n" + net::explain(*request, *pool));
  return std::optional<net::Attachment>(std::in_place, *request);
}

void Supervisor::watch_sandbox() {
  infra_watch_ = std::make_unique<FdWatch>(io_, sandbox_->client.fd());
  infra_watch_->wait([this] { on_infra(); });
  infra_death_ = std::make_unique<FdWatch>(io_, sandbox_->pidfd.get());
  infra_death_->wait([this] { on_sandbox_death(); });
}

void Supervisor::on_sandbox_death() {
  if (!sandbox_ || over_) return;
  infra_watch_.reset();
  infra_death_.reset();
  try {
    (void)sys::reap(sandbox_->pidfd.get());
  } catch (const sys::Error&) {
    // The child of an earlier supervisor: the guard reaps it.
  }
  // The last exits may still stand in the table.
  ports_.pause();
  close_node_ports();
  sandbox_.reset();
  record_.infra = {};
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    containers_[i].launch_watch.reset();
    containers_[i].launch.reset();
    containers_[i].member.reset();
    containers_[i].pidfd_watch.reset();
    containers_[i].pidfd.reset();
    containers_[i].pull.reset();
    containers_[i].checks.reset();
    record_.containers[i].process = {};
  }
  awaiting_go_.clear();
  drain_streams();
  events_.add(true, "SandboxChanged", "", "the pod's infra process died");
  feed(pod::event::SandboxDied{wall_now()});
}

}  // namespace pausa::supervisor
