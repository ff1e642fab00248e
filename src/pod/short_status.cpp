#include "pod/short_status.hpp"

#include "pod/conditions.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

using Stage = ContainerState::Stage;

std::string init_status(const ContainerState& container, std::size_t i, std::size_t count) {
  if (container.stage == Stage::terminated && container.terminated) {
    const auto& end = *container.terminated;
    if (!end.reason.empty()) return "Init:" + end.reason;
    return end.signal != 0 ? "Init:Signal:" + std::to_string(end.signal)
                           : "Init:ExitCode:" + std::to_string(end.exit_code);
  }
  if (container.stage == Stage::waiting && !container.waiting_reason.empty() &&
      container.waiting_reason != "PodInitializing" &&
      container.waiting_reason != "ContainerCreating")
    return "Init:" + container.waiting_reason;
  return "Init:" + std::to_string(i) + "/" + std::to_string(count);
}

}  // namespace

std::string short_status(const PodState& state, std::size_t init_count) {
  if (state.stopping && !state.completing && !state.finished) return "Terminating";
  std::string reason(state.reason.empty() ? phase_name(state.phase)
                                          : std::string_view(state.reason));
  for (std::size_t i = 0; i < init_count; ++i) {
    const auto& container = state.containers[i];
    if (container.sidecar && (container.up || state.initialized)) continue;
    if (container.stage == Stage::terminated && container.terminated &&
        container.terminated->exit_code == 0)
      continue;
    return init_status(container, i, init_count);
  }
  bool any_ready = false;
  for (std::size_t i = first_ephemeral(state); i-- > init_count;) {
    const auto& container = state.containers[i];
    if (starting(container)) {
      reason = "ContainerCreating";
    } else if (container.stage == Stage::waiting && !container.waiting_reason.empty()) {
      reason = container.waiting_reason;
    } else if (container.stage == Stage::terminated && container.terminated) {
      const auto& end = *container.terminated;
      if (!end.reason.empty())
        reason = end.reason;
      else
        reason = end.signal != 0 ? "Signal:" + std::to_string(end.signal)
                                 : "ExitCode:" + std::to_string(end.exit_code);
    } else if (ready(container)) {
      any_ready = true;
    }
  }
  // A member that is done does not hide those that run.
  if (reason == "Completed" && any_ready)
    return std::all_of(
               state.containers.begin() + static_cast<std::ptrdiff_t>(init_count),
               state.containers.begin() + static_cast<std::ptrdiff_t>(first_ephemeral(state)),
               ready)
               ? "Running"
               : "NotReady";
  return reason;
}

Restarts restarts(const PodState& state) {
  Restarts all;
  for (const auto& container : state.containers) {
    all.count += container.restart_count;
    if (container.restart_count > 0 && container.last)
      all.last = std::max(all.last, container.last->finished);
  }
  return all;
}

}  // namespace pausa::pod
