#include "cli/target.hpp"

#include "cli/command.hpp"
#include "pod/node.hpp"
#include "supervisor/spawn.hpp"
#include "sys/error.hpp"
#include "sys/pause.hpp"
#include "sys/process.hpp"

#include <limits.h>
#include <signal.h>

#include <cstdlib>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds revival(10);
constexpr std::chrono::seconds failing(1);

// Not by a guard that somebody has stopped: it is ended, since it would start another one later.
bool guarded(const state::Record& record) {
  if (!sys::is_stopped(record.guard)) return sys::alive(record.guard);
  if (const auto guard = sys::open_process(record.guard))
    (void)sys::send_signal(guard->get(), SIGKILL);
  return false;
}

NoSuchObject no_such_pod(const state::PodKey& key) {
  return NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_);
}

}  // namespace

std::string default_namespace() {
  const char* value = std::getenv("PAUSA_NAMESPACE");
  return value != nullptr && *value != '\0' ? value : "default";
}

Target parse_target(const std::string& word, const std::optional<std::string>& namespace_) {
  std::string name = word;
  for (const char* prefix : {"pod/", "pods/"})
    if (name.starts_with(prefix)) name = name.substr(std::string(prefix).size());
  Target target;
  target.key.namespace_ = namespace_.value_or(default_namespace());
  const auto slash = name.find('/');
  target.key.name = name.substr(0, slash);
  if (slash != std::string::npos) target.container = name.substr(slash + 1);
  const bool odd = target.key.name.find_first_of("/_.") == 0 ||
                   target.key.folder().find('/') != std::string::npos ||
                   (slash != std::string::npos && target.container.empty());
  if (target.key.name.empty() || odd)
    throw UsageError("\"" + word + "\" names no pod; write POD or POD/CONTAINER");
  if (target.key.folder().size() > NAME_MAX)  // no pod has such a name, and no folder can
    throw no_such_pod(target.key);
  return target;
}

state::Record revive(const state::Store& store, state::Record record) {
  if (record.state.finished || sys::alive(record.supervisor)) return record;
  if (record.boot_id != sys::boot_id()) return record;  // everything of it died with that boot
  // A living guard is about to start the next one, and whoever holds the lock (a command that is
  // starting the pod just now) is at work on it.
  if (!guarded(record) && !store.is_locked(record.key))
    supervisor::spawn_adopted(store, record.key);
  const auto begin = std::chrono::steady_clock::now();
  const auto deadline = begin + revival;
  while (std::chrono::steady_clock::now() < deadline) {
    auto now = store.read(record.key);
    if (!now) throw NoSuchObject("pod " + record.key.name + " is gone");
    if (now->state.finished || sys::alive(now->supervisor)) return *now;
    // Those that come up fail: it is not worth while to wait for one that is alive just now.
    if (std::chrono::steady_clock::now() > begin + failing && store.read_failure(record.key)) break;
    sys::pause_briefly();
  }
  const auto why = store.read_failure(record.key);
  throw sys::Error("pod " + record.key.name + ": its supervisor " +
                   (why ? "cannot work: " + *why : "died and no new one came up"));
}

state::Record find_pod(const state::Store& store, const state::PodKey& key) {
  auto record = store.read(key);
  if (!record) throw no_such_pod(key);
  return revive(store, std::move(*record));
}

sys::Error busy_pod(const state::PodKey& key) {
  return sys::Error("pod " + key.name + " is being changed by another command");
}

std::vector<state::Record> all_pods(const state::Store& store) {
  std::vector<state::Record> records;
  for (auto& record : store.list()) {
    try {
      records.push_back(revive(store, std::move(record)));
    } catch (const NoSuchObject&) {
      // It was removed while we looked.
    }
  }
  return records;
}

std::size_t pick_container(const state::Store& store, const state::Record& record,
                           const std::string& name) {
  std::string wanted = name;
  if (wanted.empty()) {
    // Only the annotation is of interest: a text search spares the parser for most pods.
    const auto manifest = store.read_manifest(record.key);
    constexpr std::string_view key = "\"kubectl.kubernetes.io/default-container\":";
    if (manifest) {
      const auto at = manifest->find(key);
      if (at != std::string::npos) {
        const auto open = manifest->find('"', at + key.size());
        const auto close = manifest->find('"', open + 1);
        if (open != std::string::npos && close != std::string::npos)
          wanted = manifest->substr(open + 1, close - open - 1);
      }
    }
  }
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    if (wanted.empty() ? !record.containers[i].init : record.containers[i].name == wanted) return i;
  }
  std::string names;
  for (const auto& container : record.containers)
    names += (names.empty() ? "" : ", ") + container.name;
  throw NoSuchObject("no container " + wanted + " in pod " + record.key.name + "; it has " + names);
}

}  // namespace pausa::cli
