#include "cli/pod_list.hpp"

#include "cli/command.hpp"
#include "cli/inspect_object.hpp"
#include "cli/target.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

namespace pausa::cli {
namespace {

std::size_t init_count(const state::Record& record) {
  return static_cast<std::size_t>(
      std::count_if(record.containers.begin(), record.containers.end(),
                    [](const state::ContainerRecord& container) { return container.init; }));
}

// One that cannot work ends at once, to be started again: who has lived for a second works.
bool has_just_begun(const sys::ProcessId& process) {
  timespec now{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);
  static const auto ticks = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  return static_cast<std::uint64_t>(now.tv_sec) <= process.start_time / ticks + 1;
}

// With a supervisor again where it had lost it. nullopt: it was removed while we looked.
std::optional<PodEntry> living_entry(const state::Store& store, state::Record record,
                                     std::vector<std::string>& troubles) {
  PodEntry entry;
  try {
    const bool lost = !record.state.finished && !sys::alive(record.supervisor);
    entry = entry_of(as_of_now(lost ? revive(store, record) : std::move(record)));
  } catch (const NoSuchObject&) {
    return std::nullopt;
  } catch (const sys::Error& error) {
    troubles.emplace_back(error.what());
    entry = entry_of(std::move(record));
    entry.status = "SupervisorFailed";
    return entry;
  }
  if (entry.ended || !has_just_begun(entry.record->supervisor)) return entry;
  if (const auto why = store.read_failure(entry.key)) {
    entry.status = "SupervisorFailed";
    troubles.push_back("pod " + entry.key.name + ": its supervisor cannot work: " + *why);
  }
  return entry;
}

PodEntry entry_without_record(const state::Store& store, const state::PodKey& key) {
  PodEntry entry;
  entry.key = key;
  entry.ended = true;
  entry.status = "Stopped";
  if (const auto stored = supervisor::find_stored_pod(store, key))
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
  const auto ready = pod::ready_count(record.state, inits);
  entry.ready = ready.ready;
  entry.containers = ready.all;
  entry.restarts = pod::restarts(record.state);
  if (record.state.reason == "Stopped" && entry.ended) entry.status = "Stopped";
  // Why a start was refused.
  for (const auto& container : record.state.containers)
    if (entry.ended && pod::waits_for_missing(container)) entry.status = container.waiting_reason;
  entry.record = std::move(record);
  return entry;
}

std::vector<PodEntry> list_pods(const state::Store& store, bool ended,
                                std::vector<std::string>& troubles) {
  std::vector<PodEntry> entries;
  std::vector<state::Damaged> damaged;
  auto records = store.list(&damaged);
  for (auto& one : damaged) troubles.push_back(std::move(one.why));
  for (auto& record : records) {
    if (record.state.finished && !ended) continue;
    auto entry = living_entry(store, std::move(record), troubles);
    if (entry && (!entry->ended || ended)) entries.push_back(std::move(*entry));
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
