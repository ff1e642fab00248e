#include "pod/probe.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

using std::chrono::milliseconds;
constexpr Duration first_poll = milliseconds(50);
// A connection that nobody accepts costs next to nothing: for this long it is tried at the first
// pace, since most servers are up by then.
constexpr Duration eager = std::chrono::seconds(1);

bool costs_a_process(const Probe& probe) {
  return std::holds_alternative<ExecCheck>(probe.check);
}

void poll_again(ProbeState& state, const Probe& probe, Time started, Time now) {
  state.poll.reset();
  if (state.fast.count() == 0) return;
  state.poll = now + state.fast;
  if (costs_a_process(probe) || now - started - probe.initial_delay >= eager) state.fast *= 2;
  if (state.fast >= probe.period) state.fast = Duration{0};
  if (*state.poll >= *state.due) state.poll.reset();
}

}  // namespace

void begin_probe(ProbeState& state, const Probe& probe, ProbeKind kind, Time started, Time now,
                 bool exact) {
  state = ProbeState{};
  state.result = kind == ProbeKind::liveness;
  // Of a liveness probe only failures matter, and those count at the declared times alone.
  if (!exact && kind != ProbeKind::liveness) state.fast = first_poll;
  state.due = std::max(now, started + probe.initial_delay);
}

void resume_probe(ProbeState& state, const Probe& probe, Time started, Time now) {
  state.under_way = false;
  state.poll.reset();
  state.due = std::max(now, started + probe.initial_delay);
}

void end_probe(ProbeState& state) {
  state.due.reset();
  state.poll.reset();
  state.under_way = false;
}

std::optional<Time> probe_due(const ProbeState& state) {
  if (state.under_way || !state.due) return std::nullopt;
  return state.poll ? std::min(*state.poll, *state.due) : state.due;
}

void check_begins(ProbeState& state, const Probe& probe, Time now) {
  state.under_way = true;
  state.poll.reset();
  state.declared = now >= *state.due;
  // Times that were missed while a check took too long are not made up for.
  if (state.declared)
    state.due = *state.due + ((now - *state.due) / probe.period + 1) * probe.period;
}

ProbeChange check_ends(ProbeState& state, const Probe& probe, bool success, Time started,
                       Time now) {
  ProbeChange change;
  if (!state.under_way) return change;
  state.under_way = false;
  if (success) {
    state.fast = Duration{0};
    state.poll.reset();
  } else {
    poll_again(state, probe, started, now);
    if (!state.declared) return change;
  }
  change.counted = true;
  const std::uint32_t threshold = success ? probe.success_threshold : probe.failure_threshold;
  if (state.last != success) state.row = 0;
  state.last = success;
  if (state.row >= threshold) return change;
  ++state.row;
  if (state.row < threshold) return change;
  change.turned = true;
  state.result = success;
  return change;
}

}  // namespace pausa::pod
