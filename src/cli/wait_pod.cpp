#include "cli/wait_pod.hpp"

#include "cli/command.hpp"
#include "cli/inspect_object.hpp"
#include "cli/remove_pod.hpp"
#include "pod/conditions.hpp"
#include "state/watch.hpp"
#include "sys/process.hpp"

#include <poll.h>
#include <strings.h>

#include <algorithm>
#include <array>

namespace pausa::cli {
namespace {

using Kind = Progress::Kind;
using Stage = pod::ContainerState::Stage;

constexpr std::chrono::seconds tear_down_patience(20);

std::string describe(const pod::ContainerState& state) {
  switch (state.stage) {
    case Stage::waiting:
      return "waits (" + state.waiting_reason + ")";
    case Stage::starting:
      return "starts";
    case Stage::running:
      return state.hook == pod::HookKind::post_start ? "runs its postStart hook"
             : !state.up                             ? "runs, its startup probe has not passed"
             : !state.ready                          ? "is not ready"
                                                     : "runs";
    case Stage::terminated:
      return "has ended (exit code " + std::to_string(state.terminated->exit_code) + ")";
  }
  return {};
}

bool fulfils(const pod::ContainerState& state, Goal goal) {
  switch (goal) {
    case Goal::started:
      return state.launches > 0 && state.stage != Stage::starting &&
             state.hook != pod::HookKind::post_start;
    case Goal::running:
      return state.stage == Stage::running && state.hook != pod::HookKind::post_start;
    case Goal::ready:
      return pod::ready(state);
    default:
      return state.stage == Stage::terminated;
  }
}

Progress look_at_record(const state::Record& record, const Target& target, Goal goal) {
  if (goal == Goal::deleted) return {Kind::on_the_way, "it is still there"};
  const bool known = target.container.empty() ||
                     std::any_of(record.containers.begin(), record.containers.end(),
                                 [&](const auto& entry) { return entry.name == target.container; });
  if (!known) return {Kind::impossible, "it has no container " + target.container};
  if (record.state.finished) {
    if (goal != Goal::exited)
      return {Kind::impossible,
              "it has ended (" + std::string(pod::phase_name(record.state.phase)) + ", exit code " +
                  std::to_string(pod::exit_code(record.state)) + ")"};
    // What was started last is still being removed.
    if (record.supervisor)
      if (const auto supervisor = sys::open_process(record.supervisor))
        (void)sys::wait_dead(supervisor->get(), tear_down_patience);
    return {Kind::reached, {}};
  }
  // A pod has exited when its record says so; a container, when it is not to be started again.
  std::string missing;
  bool reached = goal != Goal::exited || !target.container.empty();
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto& entry = record.containers[i];
    const auto& state = record.state.containers[i];
    if (!target.container.empty() && entry.name != target.container) continue;
    if (target.container.empty() && state.ephemeral) continue;
    // Of init containers it is wanted that they are done.
    const bool init = target.container.empty() && entry.init && !state.sidecar;
    if (target.container.empty() && entry.init && goal == Goal::exited) continue;
    if (fulfils(state, init ? Goal::exited : goal)) continue;
    reached = false;
    missing += (missing.empty() ? "" : ", ") + entry.name + " " + describe(state);
  }
  return {reached ? Kind::reached : Kind::on_the_way, missing};
}

}  // namespace

const char* goal_name(Goal goal) {
  constexpr std::array<const char*, 5> names{"started", "running", "ready", "exited", "deleted"};
  return names[static_cast<std::size_t>(goal)];
}

Progress look(const state::Store& store, const Target& target, Goal goal) {
  if (const auto record = store.read(target.key)) return look_at_record(*record, target, goal);
  const bool stopped = pod_exists(store, target.key);  // by a reboot
  if (goal == Goal::deleted)
    return stopped ? Progress{Kind::on_the_way, "it is still there"} : Progress{Kind::reached, {}};
  if (goal == Goal::exited) return {Kind::reached, {}};
  return {Kind::on_the_way, stopped ? "it is stopped" : "there is no such pod"};
}

Progress look_at_condition(const state::Store& store, const state::PodKey& key,
                           const std::string& type, const std::string& value) {
  const Progress absent{Kind::on_the_way, "there is no such pod, or it is stopped"};
  const auto record = store.read(key);
  if (!record) return absent;
  pod::Node object;
  try {
    object = inspect_object(store, as_of_now(*record));
  } catch (const NoSuchObject&) {
    return absent;
  }
  const auto* status = object.find("status");
  const auto* conditions = status == nullptr ? nullptr : status->find("conditions");
  std::string known;
  for (const auto& condition :
       conditions == nullptr ? std::vector<pod::Node>{} : conditions->items) {
    const std::string& name = condition.find("type")->text;
    const std::string& now = condition.find("status")->text;
    // kubectl does not mind how they are written.
    if (::strcasecmp(name.c_str(), type.c_str()) == 0 && now == value) return {Kind::reached, {}};
    known += (known.empty() ? "" : ", ") + name + " is " + now;
  }
  return {record->state.finished ? Kind::impossible : Kind::on_the_way, known};
}

Progress wait_until(const state::Store& store, const state::PodKey& key,
                    const std::function<Progress()>& look, const Patience& patience, int fd) {
  state::Watch watch(store.paths());
  for (;;) {
    (void)watch.clear();
    watch.add(key);
    auto progress = look();
    if (progress.kind != Kind::on_the_way) return progress;
    int timeout = -1;
    if (patience.deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *patience.deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return progress;
      timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000'000));
    }
    std::array<pollfd, 3> ready{
        {{watch.fd(), POLLIN, 0}, {patience.interrupt, POLLIN, 0}, {fd, POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), timeout);
    if (patience.interrupt >= 0 && (ready[1].revents & POLLIN) != 0) {
      progress.kind = Kind::interrupted;
      return progress;
    }
  }
}

Progress wait_pod(const state::Store& store, const Target& target, Goal goal,
                  const Patience& patience) {
  return wait_until(
      store, target.key, [&] { return look(store, target, goal); }, patience);
}

}  // namespace pausa::cli
