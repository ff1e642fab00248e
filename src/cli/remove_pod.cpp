#include "cli/remove_pod.hpp"

#include "cgroup/group.hpp"
#include "cgroup/hierarchy.hpp"
#include "cli/command.hpp"
#include "cli/inspect_object.hpp"
#include "cli/supervisor_call.hpp"
#include "cli/target.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"

#include <signal.h>
#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(10);
constexpr std::chrono::milliseconds lock_round(20);
constexpr std::chrono::milliseconds ended_patience(500);
// A supervisor listens once the pod's sandbox is there.
constexpr std::chrono::seconds listening_patience(15);
// One that said why it cannot work may be followed by one that can.
constexpr std::chrono::seconds failing_patience(3);
constexpr std::chrono::seconds death_patience(5);
constexpr std::chrono::seconds ping_patience(2);

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

std::optional<SupervisorCall> ask_supervisor(const state::Store& store, const state::PodKey& key,
                                             bool remove,
                                             std::optional<std::chrono::milliseconds> grace) {
  control::Request request;
  request.op = remove ? control::Op::remove : control::Op::stop;
  if (grace) request.grace_ms = grace->count();
  return SupervisorCall::put(store, key, request);
}

// False when the supervisor died over it.
bool hear_supervisor(SupervisorCall& call, const state::PodKey& key) {
  const auto reply = call.wait();
  if (!reply) return false;
  if (!reply->ok) throw sys::Error("pod " + key.name + ": " + reply->error);
  return true;
}

// The pod's supervisor does it; false when it has none (any more).
bool end_through_supervisor(const state::Store& store, const state::PodKey& key, bool remove,
                            std::optional<std::chrono::milliseconds> grace) {
  auto call = ask_supervisor(store, key, remove, grace);
  return call && hear_supervisor(*call, key);
}

bool ends(const sys::ProcessId& id) {
  const auto process = sys::open_process(id);
  if (!process) return true;
  (void)sys::send_signal(process->get(), SIGKILL);
  return sys::wait_dead(process->get(), death_patience);
}

// The last way, for a pod that nobody can supervise: its members get no grace period.
void end_by_force(const state::Store& store, const state::PodKey& key, bool remove) {
  auto record = store.read(key);
  if (!record) return;
  const auto failure = store.read_failure(key);
  std::cerr << "pausa: pod " << key.name << ": its supervisor "
            << (failure ? "cannot work: " + *failure : std::string("does not answer"))
            << "; ending the pod without it" << std::endl;
  // The guard first, since it would start the next one.
  if (!ends(record->guard)) throw sys::Error("pod " + key.name + ": its guard does not die");
  record = store.read(key);
  if (!record) return;
  if (!ends(record->supervisor))
    throw sys::Error("pod " + key.name + ": its supervisor does not die");
  const auto lock = store.lock(key, lock_patience);
  if (!lock) throw busy_pod(key);
  record = store.read(key);
  if (!record) return;
  const auto failures = supervisor::reconcile(store, cgroup::Hierarchy::detect(), *record, remove);
  if (!failures.empty()) throw failures.front();
  if (remove) {
    if (::geteuid() == 0) store.sweep();
    return;
  }
  record->desired = state::Desired::stopped;
  store.write(ended_unheard(std::move(*record), "its supervisor could not end it"));
  store.write_failure(key, "");
}

// A supervisor of the pod, or nothing when none comes up.
std::optional<state::Record> revived(const state::Store& store, state::Record record) {
  try {
    return revive(store, std::move(record));
  } catch (const NoSuchObject&) {
    throw;
  } catch (const sys::Error&) {
    return std::nullopt;
  }
}

}  // namespace

bool end_pod(const state::Store& store, const state::PodKey& key, bool remove,
             std::optional<std::chrono::milliseconds> grace) {
  // The usual case first: one that runs, with its supervisor listening.
  if (end_through_supervisor(store, key, remove, grace)) return true;
  const auto begin = std::chrono::steady_clock::now();
  const auto deadline = begin + listening_patience;
  // Whoever holds the lock may be starting the pod, whose supervisor keeps it: between short rounds
  // we look again.
  bool locked_out = false;
  for (bool first = true; first || std::chrono::steady_clock::now() < deadline; first = false) {
    locked_out = false;
    auto record = store.read(key);
    if (!record) {
      // An `up` that was killed at its beginning leaves the run folder alone.
      const bool known = exists(store.paths().data_dir(key));
      if (!remove || (!known && !exists(store.paths().run_dir(key)))) return known;
      const auto lock = store.lock(key, lock_round);
      locked_out = !lock;
      if (!lock || store.read(key)) continue;  // one that was still at work has got further
      store.remove(key);
      supervisor::with_subordinate_ids([&] { store.sweep(); });
      return known;
    }
    if (!record->state.finished && record->boot_id == sys::boot_id()) {
      try {
        record = revived(store, std::move(*record));
      } catch (const NoSuchObject&) {
        return true;
      }
      if (!record) break;
      if (!record->state.finished) {
        if (end_through_supervisor(store, key, remove, grace)) return true;
        // It died, or builds the sandbox and does not listen yet; or none can work.
        if (std::chrono::steady_clock::now() - begin > failing_patience && store.read_failure(key))
          break;
        sys::pause_briefly();
        continue;
      }
    }
    const auto lock = store.lock(key, lock_round);
    locked_out = !lock;
    if (!lock) continue;
    record = store.read(key);
    if (!record) {
      store.remove_run_dir(key);  // which our lock has made
      return true;
    }
    if (!record->state.finished && sys::alive(record->supervisor)) continue;
    if (record->boot_id != sys::boot_id()) record->infra = {};
    const auto failures =
        supervisor::reconcile(store, cgroup::Hierarchy::detect(), *record, remove);
    if (!failures.empty()) throw failures.front();
    if (remove && ::geteuid() == 0) store.sweep();  // without root reconcile() has done it
    return true;
  }
  if (locked_out) throw busy_pod(key);
  end_by_force(store, key, remove);
  return true;
}

bool end_damaged(const state::Store& store, const state::PodKey& key) {
  try {
    (void)store.read(key);
    return false;
  } catch (const sys::Error&) {
    // As expected.
  }
  if (const auto dir =
          sys::try_open_at(AT_FDCWD, store.paths().run_dir(key), O_RDONLY | O_DIRECTORY)) {
    control::Request request;
    auto ping = control::Call::put(dir.get(), request);
    request.op = control::Op::remove;
    request.grace_ms = 0;
    if (ping && ping->ready(ping_patience))
      if (const auto reply = control::call(dir.get(), request, listening_patience);
          reply && reply->ok)
        return true;
  }
  constexpr std::size_t limit = 8U << 20U;
  const auto text =
      sys::read_file_at(AT_FDCWD, store.paths().run_dir(key) + "/pod.json", limit).value_or("");
  // The group holds every process of the pod.
  constexpr std::string_view field = "\"cgroup\":\"pausa/";
  constexpr std::size_t uid_length = 36;
  const auto at = text.find(field);
  if (at != std::string::npos && at + field.size() + uid_length < text.size()) {
    const std::string uid = text.substr(at + field.size(), uid_length);
    if (uid.find_first_not_of("0123456789abcdef-") == std::string::npos)
      if (auto group = cgroup::Hierarchy::detect().open("pausa/" + uid)) {
        (void)group->kill();
        const auto failures = group->remove(std::chrono::steady_clock::now() + death_patience);
        if (!failures.empty()) throw failures.front();
      }
  }
  store.remove(key);
  supervisor::with_subordinate_ids([&] { store.sweep(); });
  return true;
}

bool remove_ended(const state::Store& store, const state::PodKey& key) {
  const auto lock = store.lock(key, ended_patience);
  if (!lock) return false;
  auto record = store.read(key);
  if (record && !record->state.finished && record->boot_id == sys::boot_id()) return false;
  if (record) {
    if (record->boot_id != sys::boot_id()) record->infra = {};
    const auto failures = supervisor::reconcile(store, cgroup::Hierarchy::detect(), *record, true);
    if (!failures.empty()) throw failures.front();
  } else {
    store.remove(key);
  }
  supervisor::with_subordinate_ids([&] { store.sweep(); });
  return true;
}

int end_pods(const state::Store& store, const std::vector<state::PodKey>& keys, bool remove,
             std::optional<std::chrono::milliseconds> grace, bool quiet) {
  std::vector<std::optional<SupervisorCall>> calls;
  calls.reserve(keys.size());
  for (const auto& key : keys) calls.push_back(ask_supervisor(store, key, remove, grace));
  int code = exit_ok;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    try {
      const bool heard = calls[i] && hear_supervisor(*calls[i], keys[i]);
      const bool ended = heard || end_pod(store, keys[i], remove, grace);
      if (ended && !quiet) std::cout << "pod/" << keys[i].name << std::endl;
    } catch (const sys::Error& error) {
      std::cerr << "pausa: " << error.what() << "\n";
      code = exit_failed;
    }
  }
  return code;
}

bool pod_exists(const state::Store& store, const state::PodKey& key) {
  return exists(store.paths().run_dir(key) + "/pod.json") || exists(store.paths().data_dir(key));
}

}  // namespace pausa::cli
