#include "cli/remove_pod.hpp"

#include "cli/command.hpp"
#include "cli/target.hpp"
#include "control/client.hpp"
#include "supervisor/supervisor.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(10);
// Longer than any grace that makes sense; the supervisor keeps the real deadline.
constexpr std::chrono::hours answer_patience(24 * 365);

// The pod's supervisor does it; false when it has none (any more).
bool end_through_supervisor(const state::Store& store, const state::PodKey& key, bool remove,
                            std::optional<std::chrono::milliseconds> grace) {
  const sys::UniqueFd run(
      ::open(store.paths().run_dir(key).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!run) return false;
  control::Request request;
  request.op = remove ? control::Op::remove : control::Op::stop;
  if (grace) request.grace_ms = grace->count();
  const auto reply = control::call(run.get(), request, answer_patience);
  if (!reply) return false;
  if (!reply->ok) throw sys::Error("pod " + key.name + ": " + reply->error);
  return true;
}

}  // namespace

bool end_pod(const state::Store& store, const state::PodKey& key, bool remove,
             std::optional<std::chrono::milliseconds> grace) {
  // The usual case first: one that runs, with its supervisor listening.
  if (end_through_supervisor(store, key, remove, grace)) return true;
  for (int attempt = 0; attempt < 8; ++attempt) {
    auto record = store.read(key);
    if (!record) {
      if (::access(store.paths().data_dir(key).c_str(), F_OK) != 0) return false;
      if (remove) {
        const auto lock = store.lock(key, lock_patience);
        store.remove(key);
        store.sweep();
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
        continue;  // it died, or was not listening yet
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
    if (remove) store.sweep();
    return true;
  }
  throw sys::Error("pod " + key.name + ": its supervisor does not answer");
}

}  // namespace pausa::cli
