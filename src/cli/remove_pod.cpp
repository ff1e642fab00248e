#include "cli/remove_pod.hpp"

#include "cli/command.hpp"
#include "cli/supervisor_call.hpp"
#include "cli/target.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(10);
// A supervisor listens once the pod's sandbox is there.
constexpr std::chrono::seconds listening_patience(15);

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

}  // namespace

bool end_pod(const state::Store& store, const state::PodKey& key, bool remove,
             std::optional<std::chrono::milliseconds> grace) {
  // The usual case first: one that runs, with its supervisor listening.
  if (end_through_supervisor(store, key, remove, grace)) return true;
  const auto deadline = std::chrono::steady_clock::now() + listening_patience;
  for (bool first = true; first || std::chrono::steady_clock::now() < deadline; first = false) {
    auto record = store.read(key);
    if (!record) {
      if (::access(store.paths().data_dir(key).c_str(), F_OK) != 0) return false;
      if (remove) {
        const auto lock = store.lock(key, lock_patience);
        store.remove(key);
        supervisor::with_subordinate_ids([&] { store.sweep(); });
      }
      return true;
    }
    if (!record->state.finished && record->boot_id == sys::boot_id()) {
      try {
        record = revive(store, std::move(*record));
      } catch (const NoSuchObject&) {
        return true;
      }
      if (!record->state.finished) {
        if (end_through_supervisor(store, key, remove, grace)) return true;
        // It died, or builds the sandbox and does not listen yet.
        constexpr timespec pause{0, 2'000'000};
        (void)::nanosleep(&pause, nullptr);
        continue;
      }
    }
    const auto lock = store.lock(key, lock_patience);
    if (!lock) throw sys::Error("pod " + key.name + " is being changed by another command");
    record = store.read(key);
    if (!record) return true;
    if (!record->state.finished && sys::alive(record->supervisor)) continue;
    if (record->boot_id != sys::boot_id()) record->infra = {};
    const auto failures =
        supervisor::reconcile(store, cgroup::Hierarchy::detect(), *record, remove);
    if (!failures.empty()) throw failures.front();
    if (remove && ::geteuid() == 0) store.sweep();  // without root reconcile() has done it
    return true;
  }
  throw sys::Error("pod " + key.name + ": its supervisor does not answer");
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
  return ::access((store.paths().run_dir(key) + "/pod.json").c_str(), F_OK) == 0 ||
         ::access(store.paths().data_dir(key).c_str(), F_OK) == 0;
}

}  // namespace pausa::cli
