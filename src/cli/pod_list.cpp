#include "cli/pod_list.hpp"

#include "cli/command.hpp"
#include "cli/inspect_object.hpp"
#include "cli/target.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <tuple>

namespace pausa::cli {
namespace {

std::size_t init_count(const state::Record& record) {
  return static_cast<std::size_t>(
      std::count_if(record.containers.begin(), record.containers.end(),
                    [](const state::ContainerRecord& container) { return container.init; }));
}

PodEntry entry_without_record(const state::Store& store, const state::PodKey& key) {
  PodEntry entry;
  entry.key = key;
  entry.ended = true;
  entry.status = "Stopped";
  if (const auto stored = stored_pod(store, key))
    entry.containers = stored->pod.spec.containers.size();
  return entry;
}

}  // namespace

PodEntry entry_of(state::Record record) {
  PodEntry entry;
  entry.key = record.key;
  const std::size_t inits = init_count(record);
  entry.ended = record.state.finished;
  entry.status = entry.ended && record.desired == state::Desired::stopped
                     ? "Stopped"
                     : pod::short_status(record.state, inits);
  entry.ready = pod::ready_count(record.state, inits);
  entry.containers = record.containers.size() - inits;
  entry.restarts = pod::restarts(record.state);
  if (record.state.reason == "Stopped" && entry.ended) entry.status = "Stopped";
  entry.record = std::move(record);
  return entry;
}

std::vector<PodEntry> list_pods(const state::Store& store, bool ended,
                                std::vector<std::string>& troubles) {
  std::vector<PodEntry> entries;
  for (auto& record : store.list(&troubles)) {
    if (record.state.finished && !ended) continue;
    try {
      auto entry = entry_of(as_of_now(revive(store, std::move(record))));
      if (!entry.ended || ended) entries.push_back(std::move(entry));
    } catch (const NoSuchObject&) {
      // It was removed while we looked.
    } catch (const sys::Error& error) {
      troubles.emplace_back(error.what());
    }
  }
  if (ended)
    for (const auto& key : store.list_without_record()) {
      try {
        entries.push_back(entry_without_record(store, key));
      } catch (const sys::Error& error) {
        troubles.emplace_back(error.what());
      }
    }
  std::sort(entries.begin(), entries.end(), [](const PodEntry& a, const PodEntry& b) {
    return std::tie(a.key.namespace_, a.key.name) < std::tie(b.key.namespace_, b.key.name);
  });
  return entries;
}

}  // namespace pausa::cli
