// The supervisor's part that makes things: sandbox, groups, members.
#include "net/policy.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>

namespace pausa::supervisor {
namespace {

using Stage = pod::ContainerState::Stage;

// What infra calls a member: its container and which instance of it.
std::uint64_t member_key(std::size_t index, std::uint32_t launches) {
  return static_cast<std::uint64_t>(launches) << 16U | index;
}

// The manifest's ("SIGUSR1", "SIGRTMIN+3"), else the image's STOPSIGNAL (also "QUIT" or a number),
// else SIGTERM.
int stop_signal(const pod::Container& container, const image::ResolvedImage& image) {
  const std::string& given = container.health.stop_signal;
  std::string_view name = given.empty() ? image.config.stop_signal : given;
  if (name.starts_with("SIG")) name.remove_prefix(3);
  for (int number = 1; number < NSIG && !name.empty(); ++number) {
    const char* known = ::sigabbrev_np(number);
    if (name == std::to_string(number) || (known != nullptr && name == known)) return number;
  }
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) {
    const int up = number - SIGRTMIN;
    const int down = SIGRTMAX - number;
    if (name == (up == 0 ? "RTMIN" : "RTMIN+" + std::to_string(up)) ||
        name == (down == 0 ? "RTMAX" : "RTMAX-" + std::to_string(down)))
      return number;
  }
  return SIGTERM;
}

}  // namespace

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
  ports_.forward(io_, sandbox_->pidfd.get(), sandbox_->sockets, addresses_of(record_.network),
                 on_host ? record_.network.bridge : std::string(),
                 net::gate_path(charge_.store.paths().network(), record_.uid),
                 pod::proxied_ports(charge_.pod.metadata));
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

void Supervisor::start_containers(const std::vector<std::size_t>& indices) {
  // All set themselves up at the same time; who may run first is decided by give_go().
  for (const auto index : indices) {
    try {
      if (!starter_.waiting() && !has_image(index)) {
        begin_pull(index);
        continue;
      }
      begin_launch(index);
      awaiting_go_.push_back(index);
    } catch (const sys::Error& error) {
      const bool config = dynamic_cast<const ContainerConfigError*>(&error) != nullptr;
      abort_launch(index);
      // Not from inside the step that asked for the start.
      boost::asio::post(io_, [this, index, config, message = std::string(error.what())] {
        if (config && !starter_.waiting())
          hold_start(index, pod::config_error, message);
        else
          fail_start(index, config ? pod::config_error : "CreateContainerError", message, 128);
      });
    }
  }
}

// Anew for each instance: a group that was killed once kills at birth whoever is cloned into it
// (seen on Linux 6.18).
void Supervisor::make_group(std::size_t index) {
  auto& container = containers_[index];
  if (!pod_group_ || container.group_is_new) return;
  // With the groups of its checks: a group that has others below it is not made anew.
  if (container.group)
    (void)container.group->remove(std::chrono::steady_clock::now() + std::chrono::seconds(2));
  container.group.reset();
  const auto* devices =
      container.spec->security.privileged || !host_.root ? nullptr : &cgroup::container_devices();
  container.group =
      host_.cgroups.create(record_.cgroup_of(record_.containers[index]),
                           keepable(host_.cgroups, container_limits(*container.spec)), devices);
  container.group_is_new = true;
}

void Supervisor::begin_launch(std::size_t index) {
  auto& container = containers_[index];
  auto& entry = record_.containers[index];
  const auto instance = record_.state.containers[index].launches - 1;
  require_config(context(), *container.spec);
  container.config_fault.clear();
  retire_streams(index);
  container.pidfd.reset();
  entry.process = {};
  entry.pod_pid = 0;
  entry.rootfs = "containers/" + entry.name + "." + std::to_string(instance);
  unsaved_ = true;

  make_group(index);
  container.group_is_new = false;
  if (container.group) entry.oom_kills = static_cast<std::uint64_t>(container.group->oom_kills());
  // The instance before has left its upper layer: Kubernetes restarts from the image.
  if (instance > 0) {
    const sys::UniqueFd data = sys::open_dir(data_dir_);
    sys::remove_tree_at(data.get(),
                        "containers/" + entry.name + "." + std::to_string(instance - 1));
  }
  sys::UniqueFd in_end, out_end, err_end;
  if (!container.spec->tty) {
    in_end = open_stdin(index);
    open_streams(index, out_end, err_end);
  }
  auto place = context();
  place.target_pidfd = target_of(*container.spec);
  container.member = prepare_member(
      place, *container.spec, *container.image, container.group ? &*container.group : nullptr,
      data_dir_ + "/" + entry.rootfs, std::move(in_end), std::move(out_end), std::move(err_end));
  auto& member = *container.member;
  entry.own_pid_namespace = member.own_pid_namespace;
  if (charge_.explain && starter_.waiting())
    starter_.explain("\ncontainer " + entry.name + "\n" + launch::explain(member.plan->steps()));
  container.launch = std::make_unique<launch::Launch>(
      std::move(member.plan), container.group ? container.group->clone_fd() : -1);
  // Only members hold the writing ends now: when they are gone, the readers see the end.
  member.stdin_end.reset();
  member.stdout_end.reset();
  member.stderr_end.reset();
  container.launch_watch = std::make_unique<FdWatch>(io_, container.launch->fd());
  container.launch_watch->wait([this, index] { on_launch(index); });
}

void Supervisor::on_launch(std::size_t index) {
  auto& container = containers_[index];
  if (!container.launch) return;
  using LaunchStage = launch::Launch::Stage;
  switch (container.launch->advance()) {
    case LaunchStage::setting_up:
    case LaunchStage::ready:
      container.launch_watch->wait([this, index] { on_launch(index); });
      give_go();
      return;
    case LaunchStage::started: {
      if (sys::UniqueFd terminal = container.launch->take_terminal())
        open_terminal(index, std::move(terminal));
      container.launch_watch.reset();
      container.launch.reset();
      container.member.reset();
      events_.add(false, "Started", record_.containers[index].name, "container started");
      feed(pod::event::Started{index, wall_now()});
      return;
    }
    case LaunchStage::failed: {
      const auto failure = container.launch->failure();
      abort_launch(index);
      fail_start(index, "StartError", failure.message, failure.exit_code);
      give_go();
      return;
    }
  }
}

void Supervisor::fail_start(std::size_t index, const char* reason, const std::string& message,
                            int exit_code) {
  events_.add(true, "Failed", record_.containers[index].name, message);
  if (starter_.waiting()) {
    // `up` makes the whole pod or none of it.
    starter_.fail("container " + record_.containers[index].name + ": " + message);
    record_.desired = charge_.again ? state::Desired::stopped : state::Desired::removed;
    stop_pod(std::chrono::nanoseconds(0));
  }
  feed(pod::event::StartFailed{index, reason, message, exit_code, wall_now()});
}

// Told once as long as it stays the same.
void Supervisor::hold_start(std::size_t index, const char* reason, const std::string& message) {
  auto& fault = containers_[index].config_fault;
  const auto& name = record_.containers[index].name;
  if (fault != message) {
    events_.add(true, reason == pod::never_pull_error ? reason : "Failed", name,
                reason == pod::pull_error
                    ? "Failed to pull image \"" + containers_[index].spec->image + "\": " + message
                    : message);
    if (pod::is_image_reason(reason))
      events_.add(true, "Failed", name, std::string("Error: ") + reason);
  }
  fault = message;
  feed(pod::event::ConfigFault{index, message, wall_now(), reason});
}

// Members go in manifest order: the first that is not ready holds those behind it. Before a member
// runs, infra knows its pid and the record its process.
void Supervisor::give_go() {
  std::vector<std::size_t> going;
  while (!awaiting_go_.empty()) {
    const auto index = awaiting_go_.front();
    auto& container = containers_[index];
    if (container.launch && container.launch->advance() == launch::Launch::Stage::setting_up) break;
    awaiting_go_.erase(awaiting_go_.begin());
    if (!container.launch || container.launch->stage() != launch::Launch::Stage::ready) continue;
    auto& entry = record_.containers[index];
    container.pidfd = container.launch->take_pidfd();
    entry.pod_pid = container.launch->pod_pid();
    entry.process = sys::identify(sys::pid_of(container.pidfd.get()));
    if (charge_.pod.spec.host_pid) {
      watch_own_child(index);
    } else if (const auto registration = sandbox_->client.register_member(
                   entry.pod_pid, member_key(index, record_.state.containers[index].launches))) {
      entry.slot = registration->slot;
      entry.generation = registration->generation;
    }
    going.push_back(index);
  }
  if (going.empty()) return;
  save();
  for (const auto index : going) containers_[index].launch->go();
}

void Supervisor::abort_launch(std::size_t index) {
  auto& container = containers_[index];
  std::erase(awaiting_go_, index);
  container.launch_watch.reset();
  container.launch.reset();
  container.member.reset();
  container.pidfd_watch.reset();
  container.pidfd.reset();
  record_.containers[index].process = {};
  if (container.group) (void)container.group->kill();
}

// With hostPID: the member is our child, or was an earlier supervisor's, and then nobody knows how
// it ended.
void Supervisor::watch_own_child(std::size_t index) {
  auto& container = containers_[index];
  container.pidfd_watch = std::make_unique<FdWatch>(io_, container.pidfd.get());
  container.pidfd_watch->wait([this, index] {
    auto& ended = containers_[index];
    infra::Exit exit;
    exit.key = member_key(index, record_.state.containers[index].launches);
    exit.realtime = wall_now();
    try {
      exit.status = sys::reap(ended.pidfd.get());
    } catch (const sys::Error&) {
      exit.status = {CLD_EXITED, 255};
    }
    on_exit(index, exit);
  });
}

void Supervisor::on_infra() {
  take_exits();
  if (infra_watch_) infra_watch_->wait([this] { on_infra(); });
}

// Also after every question to infra: its answer may have been read past exits.
void Supervisor::take_exits() {
  if (!sandbox_ || over_) return;
  try {
    while (auto exit = sandbox_->client.next_exit()) {
      if (take_check_exit(*exit)) continue;
      const auto index = static_cast<std::size_t>(exit->key & 0xffffU);
      if (index < containers_.size()) on_exit(index, *exit);
      if (!sandbox_) return;
    }
    if (!sandbox_->client.missed_exits()) return;
    for (const auto& entry : sandbox_->client.table().entries()) {
      if (entry.exited && take_check_exit(entry.member)) continue;
      const auto index = static_cast<std::size_t>(entry.member.key & 0xffffU);
      if (entry.exited && index < containers_.size()) on_exit(index, entry.member);
      if (!sandbox_) return;
    }
  } catch (const sys::Error&) {
    // Infra is gone: its pidfd tells.
    infra_watch_.reset();
  }
}

void Supervisor::on_exit(std::size_t index, const infra::Exit& exit) {
  auto& container = containers_[index];
  const auto& state = record_.state.containers[index];
  if (exit.key != member_key(index, state.launches)) return;  // an instance that is history
  if (!charge_.pod.spec.host_pid) (void)sandbox_->client.forget(exit.registration);
  // One whose launch failed was killed by us, and has been told.
  if (state.stage != Stage::running && state.stage != Stage::starting) return;
  container.pidfd_watch.reset();
  // It may have ended before we heard that it had begun.
  if (container.launch) {
    (void)container.launch->wait_beyond(launch::Launch::Stage::ready, std::chrono::seconds(1));
    on_launch(index);
    if (state.stage != Stage::running) return;
  }
  container.checks.reset();
  if (!record_.state.stopping) ports_.withdraw(*container.spec);
  // What it left behind in its group ends with it, as everywhere.
  if (container.group) (void)container.group->kill();
  const bool oom = container.group && static_cast<std::uint64_t>(container.group->oom_kills()) >
                                          record_.containers[index].oom_kills;
  container.pidfd.reset();
  record_.containers[index].process = {};
  if (container.out) (void)container.out->drain_now();
  if (container.err) (void)container.err->drain_now();
  const int code = exit.status.shell_code();
  const std::string message = last_words(index, code != 0);
  events_.add(code != 0, oom ? "OOMKilling" : "Exited", record_.containers[index].name,
              "container ended with exit code " + std::to_string(code));
  feed(pod::event::Exited{index, code, exit.status.exited() ? 0 : exit.status.status, oom,
                          exit.realtime, message});
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

void Supervisor::terminate(std::size_t index) {
  auto& container = containers_[index];
  if (container.pull ||
      (container.launch && container.launch->stage() != launch::Launch::Stage::started &&
       !container.pidfd)) {
    container.pull.reset();
    abort_launch(index);
    boost::asio::post(io_, [this, index] {
      feed(pod::event::StartFailed{index, "Killed", "stopped before it ran", 143, wall_now()});
    });
    return;
  }
  if (!container.pidfd) return;
  (void)sys::send_signal(container.pidfd.get(), stop_signal(*container.spec, *container.image));
}

void Supervisor::kill(std::size_t index) {
  auto& container = containers_[index];
  if (container.pull) return terminate(index);
  if (container.group) (void)container.group->kill();
  if (container.pidfd) (void)sys::send_signal(container.pidfd.get(), SIGKILL);
}

}  // namespace pausa::supervisor
