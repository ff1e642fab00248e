// When a probe is due and what its outcomes come to: Kubernetes' rules (initial delay, period,
// thresholds in a row), and between the declared times a fast poll until the first success. Pure.
#pragma once

#include "pod/backoff.hpp"
#include "pod/health.hpp"

#include <optional>

namespace pausa::pod {

struct ProbeState {
  bool result = false;    // what holds by now; of a liveness probe true at first
  bool last = false;      // the outcome of the checks in the row
  std::uint32_t row = 0;  // how many checks in a row had it, up to the threshold
  Duration fast{0};       // what the next fast poll waits; 0: declared times only

  // Of the running supervisor alone.
  bool under_way = false;
  bool declared = true;      // the check under way is one of the declared times
  std::optional<Time> due;   // the next declared time; nullopt: not to be checked
  std::optional<Time> poll;  // the next fast poll, always before it
};

// Begins, for a container that was started at `started`. exact: without fast polls.
void begin_probe(ProbeState& state, const Probe& probe, ProbeKind kind, Time started, Time now,
                 bool exact);
// Goes on with what an earlier supervisor noted.
void resume_probe(ProbeState& state, const Probe& probe, Time started, Time now);
void end_probe(ProbeState& state);

// When it is to be checked next; nullopt: it is under way, or not to be checked.
std::optional<Time> probe_due(const ProbeState& state);
void check_begins(ProbeState& state, const Probe& probe, Time now);

struct ProbeChange {
  bool counted = false;  // the outcome belongs to the row: a failure is worth an event
  bool turned = false;   // `result` is another one now, or (liveness, startup) failed for good
};
// started: of the container.
ProbeChange check_ends(ProbeState& state, const Probe& probe, bool success, Time started, Time now);

}  // namespace pausa::pod
