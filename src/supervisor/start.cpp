// The supervisor's part that starts members: their groups, their launches, and who may run when.
#include "supervisor/limits.hpp"
#include "supervisor/member_key.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/user_namespace.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

namespace pausa::supervisor {

PodContext Supervisor::context() const {
  const auto& spec = charge_.pod.spec;
  PodContext context{host_, charge_.pod, data_dir_, pod_hostname(charge_.pod)};
  context.user_namespace = record_.user_namespace || !host_.root;
  context.id_base = record_.id_base;
  context.mapped_ids = mapped_ids(host_, record_);
  context.infra_pidfd = sandbox_->pidfd.get();
  context.namespaces = joined_namespaces(spec, record_.user_namespace);
  context.pid_namespace = !spec.host_pid;
  context.store = &charge_.store;
  context.record = &record_;
  return context;
}

void Supervisor::start_containers(const std::vector<std::size_t>& indices) {
  // All set themselves up at the same time; who may run first is decided by give_go().
  for (const auto index : indices) {
    try {
      if (!starter_.waiting() && !has_images(index)) {
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
                    ? "Failed to pull image \"" + image_to_bring(index) + "\": " + message
                    : message);
    if (pod::is_image_reason(reason))
      events_.add(true, "Failed", name, std::string("Error: ") + reason);
  }
  fault = message;
  feed(pod::event::ConfigFault{index, message, wall_now(), reason, containers_[index].lacks});
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

}  // namespace pausa::supervisor
