// The end of a pod: what runs is killed, what was made is removed, in an order that may be cut off
// and begun again anywhere.
#include "supervisor/supervisor.hpp"
#include "supervisor/user_namespace.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds patience(5);

void end_infra(const sys::ProcessId& id, std::vector<sys::Error>& failures) {
  try {
    const auto pidfd = sys::open_process(id);
    if (!pidfd) return;
    (void)sys::send_signal(pidfd->get(), SIGKILL);
    // With it die all processes of the pod's PID namespace; it is dead only when they are.
    if (!sys::wait_dead(pidfd->get(), patience))
      failures.emplace_back("infra (pid " + std::to_string(id.pid) +
                            ") does not die; a process of the pod hangs in the kernel");
  } catch (const sys::Error& error) {
    failures.push_back(error);
  }
}

void remove_group(const cgroup::Hierarchy& cgroups, const std::string& name,
                  std::vector<sys::Error>& failures) {
  try {
    auto group = cgroups.open(name);
    if (!group) return;
    for (auto& error : group->kill()) failures.push_back(error);
    for (auto& error : group->remove(std::chrono::steady_clock::now() + patience))
      failures.push_back(error);
  } catch (const sys::Error& error) {
    failures.push_back(error);
  }
}

}  // namespace

std::vector<sys::Error> reconcile(const state::Store& store, const cgroup::Hierarchy& cgroups,
                                  state::Record& record, bool data) {
  std::vector<sys::Error> failures;
  end_infra(record.infra, failures);
  if (!record.cgroup.empty()) remove_group(cgroups, record.cgroup, failures);
  record.infra = {};
  for (auto& container : record.containers) container.process = {};
  try {
    withdraw_ports(record);
  } catch (const sys::Error&) {
    // A kernel without nf_tables has nothing to withdraw.
  }
  try {
    if (data) release_address(store.paths(), record);
  } catch (const sys::Error& error) {
    failures.push_back(error);  // it is found again when addresses run out
  }
  try {
    if (data) {
      store.remove(record.key);
      if (::geteuid() != 0) with_subordinate_ids([&] { store.sweep(); });
    } else {
      // Upper layers go with the containers; volumes and logs stay until the pod is removed.
      const std::string folder = store.paths().data_dir(record.key) + "/containers";
      if (::access(folder.c_str(), F_OK) == 0)
        with_subordinate_ids([&] { sys::remove_tree_at(AT_FDCWD, folder); });
      const sys::UniqueFd run = sys::open_dir(store.paths().run_dir(record.key));
      for (const char* name : {"infra.sock", "control.sock"})
        (void)::unlinkat(run.get(), name, 0);  // absent is fine
    }
  } catch (const sys::Error& error) {
    failures.push_back(error);
  }
  return failures;
}

// Out of order, when it does not answer: with infra die the members.
void Supervisor::end_sandbox() {
  std::vector<sys::Error> failures;
  end_infra(record_.infra, failures);
  if (!failures.empty()) throw failures.front();
  if (!sandbox_) feed(pod::event::SandboxDied{wall_now()});
  on_sandbox_death();
}

void Supervisor::tear_down() {
  if (over_) return;
  over_ = true;
  storage_timer_.reset();
  infra_watch_.reset();
  infra_death_.reset();
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    containers_[i].checks.reset();
    abort_launch(i);
  }
  auto failures = std::vector<sys::Error>();
  const bool ours = sandbox_.has_value();
  if (ours) {
    end_infra(sandbox_->id, failures);
    try {
      (void)sys::reap(sandbox_->pidfd.get());
    } catch (const sys::Error&) {
      // The child of an earlier supervisor.
    }
  }
  drain_streams();
  for (auto& container : containers_) {
    container.out.reset();
    container.err.reset();
    container.group.reset();
  }
  old_streams_.clear();
  ports_.close();
  close_node_ports();
  resolver_.reset();
  sandbox_.reset();
  pod_group_.reset();
  infra_group_.reset();
  control_.reset();

  record_.state.sandbox = false;
  record_.supervisor = {};
  record_.guard = {};
  const bool remove = record_.desired == state::Desired::removed;
  for (auto& error : reconcile(charge_.store, host_.cgroups, record_, remove))
    failures.push_back(error);
  tell_services();
  if (!remove) {
    events_.add(false, "Finished", "", "the pod ended");
    events_.flush();
    save();
  }
  control::Reply reply;
  for (const auto& failure : failures) {
    reply.ok = false;
    reply.error += (reply.error.empty() ? "" : "; ") + std::string(failure.what());
  }
  for (const auto& answer : stop_answers_) answer(reply);
  stop_answers_.clear();
  for (const auto& [index, answer] : restart_answers_) answer({false, "the pod was stopped"});
  restart_answers_.clear();
  starter_.settle();
  if (remove) charge_.store.sweep();
}

}  // namespace pausa::supervisor
