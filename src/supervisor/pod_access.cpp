#include "supervisor/pod_access.hpp"

#include "supervisor/kept.hpp"
#include "supervisor/member_key.hpp"
#include "supervisor/stored_pod.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <sys/prctl.h>
#include <unistd.h>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds launch_patience(30);

const pod::Container& container_of(const pod::Pod& pod, std::size_t index) {
  if (index >= pod::container_count(pod.spec))
    throw sys::Error("the stored manifest does not fit the record");
  return pod::container_at(pod.spec, index);
}

std::string why_not_running(const state::Record& record, std::size_t container) {
  const auto& state = record.state.containers[container];
  std::string text = "container " + record.containers[container].name + " does not run";
  if (state.terminated)
    text += ": it ended with exit code " + std::to_string(state.terminated->exit_code);
  else if (!state.waiting_reason.empty())
    text += ": " + state.waiting_reason;
  return text;
}

}  // namespace

ContainerInput::ContainerInput(const state::Store& store, const state::Record& record,
                               std::size_t container) {
  const sys::UniqueFd run_dir = sys::open_dir(store.paths().run_dir(record.key));
  sandbox_ = find_pod_sandbox(record.infra, run_dir.get());
  if (!sandbox_) return;
  const auto launches = record.state.containers[container].launches;
  for (const auto kind : {Kept::terminal, Kept::in}) {
    key_ = encode({launches, container, kind});
    auto fd = sandbox_->client.get_fd(key_);
    if (!fd) continue;
    fd_ = std::move(*fd);
    terminal_ = kind == Kept::terminal;
    return;
  }
}

void ContainerInput::close(bool for_good) {
  fd_.reset();
  if (for_good && !terminal_) (void)sandbox_->client.drop_fd(key_);
}

ExecSession::ExecSession(const state::Store& store, const state::Record& record,
                         std::size_t container)
    : host_(Host::probe()), pod_(read_living_pod(store, record).pod) {
  const auto& entry = record.containers[container];
  const sys::UniqueFd run_dir = sys::open_dir(store.paths().run_dir(record.key));
  if (entry.process) {
    auto pidfd = sys::open_process(entry.process);
    if (pidfd) member_pidfd_ = std::move(*pidfd);
  }
  if (!member_pidfd_) throw sys::Error(why_not_running(record, container));
  sandbox_ = find_pod_sandbox(record.infra, run_dir.get());
  if (!sandbox_) throw sys::Error("the pod does not run");
  enter_user_namespace(host_, sandbox_->pidfd.get());
  image_ = image::resolve_again(container_of(pod_, container).image, entry.image,
                                image::Store(store.paths().root));
  const std::string cgroup = record.cgroup_of(entry);
  if (host_.cgroups.tracks() && !cgroup.empty()) group_ = host_.cgroups.open(cgroup);
}

ExecSession::ExecSession(const state::Store& store, const state::Record& record,
                         std::size_t container, const ExecOptions& options, int stdin_fd,
                         int stdout_fd, int stderr_fd)
    : ExecSession(store, record, container) {
  const auto& entry = record.containers[container];
  PodContext context{host_, pod_, store.paths().data_dir(record.key), pod_hostname(pod_)};
  context.user_namespace = record.user_namespace || !host_.root;
  context.id_base = record.id_base;
  context.mapped_ids = mapped_ids(host_, record);
  context.infra_pidfd = sandbox_->pidfd.get();
  context.namespaces = joined_namespaces(pod_.spec, record.user_namespace);
  context.pid_namespace = !pod_.spec.host_pid;
  context.store = &store;
  context.record = &record;
  own_child_ = pod_.spec.host_pid;
  // The middle process of the launch ends at once: its child comes to us then, not to the host's
  // init.
  if (own_child_) sys::check(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "adopt the process");
  member_ =
      prepare_exec(context, container_of(pod_, container), image_, group_ ? &*group_ : nullptr,
                   {member_pidfd_.get(), entry.process.pid, entry.own_pid_namespace}, options,
                   stdin_fd, stdout_fd, stderr_fd);
  launch_ =
      std::make_unique<launch::Launch>(std::move(member_->plan), group_ ? group_->clone_fd() : -1);
}

std::optional<launch::Failure> ExecSession::start() {
  using Stage = launch::Launch::Stage;
  if (!launch_->wait_beyond(Stage::setting_up, launch_patience))
    return launch::Failure{"the process does not get ready", 128};
  if (launch_->stage() == Stage::failed) return launch_->failure();
  pidfd_ = launch_->take_pidfd();
  if (!own_child_) {
    registration_ =
        sandbox_->client.register_member(launch_->pod_pid(), exec_key(::getpid()), true);
    if (!registration_) return launch::Failure{"the process was killed while it was set up", 137};
  }
  launch_->go();
  if (!launch_->wait_beyond(Stage::ready, launch_patience))
    return launch::Failure{"the process does not get ready", 128};
  if (launch_->stage() == Stage::failed) return launch_->failure();
  return std::nullopt;
}

int ExecSession::fd() const {
  return own_child_ ? pidfd_.get() : sandbox_->client.fd();
}

// The table outlives infra: what it does not say then, nobody knows.
std::optional<ExecSession::End> ExecSession::end_in_table() {
  const auto entry = sandbox_->client.table().find(*registration_);
  if (!entry || !entry->exited) return std::nullopt;
  return End{entry->member.status.shell_code(), false};
}

std::optional<ExecSession::End> ExecSession::poll_end() {
  if (own_child_) {
    if (!sys::wait_dead(pidfd_.get(), std::chrono::milliseconds(0))) return std::nullopt;
    return End{sys::reap(pidfd_.get()).shell_code(), false};
  }
  try {
    while (const auto exit = sandbox_->client.next_exit())
      if (exit->registration == *registration_) return End{exit->status.shell_code(), false};
    if (sandbox_->client.missed_exits()) return end_in_table();
    return std::nullopt;
  } catch (const sys::Error&) {
    // Infra has gone, and with it every process of the pod.
    constexpr int killed = 137;
    return end_in_table().value_or(End{killed, true});
  }
}

bool ExecSession::signal(int number) {
  return sys::send_signal(pidfd_.get(), number);
}

}  // namespace pausa::supervisor
