#include "pod/probe.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace pausa::pod;
using namespace std::chrono_literals;

namespace {

Probe socket_probe() {
  Probe probe;
  probe.check = TcpCheck{};
  return probe;
}

// The first times at which a probe that always fails is checked, from the container's start.
std::vector<Duration> failing(const Probe& probe, ProbeKind kind, bool exact, std::size_t count) {
  ProbeState state;
  begin_probe(state, probe, kind, Time{0}, Time{0}, exact);
  std::vector<Duration> times;
  while (times.size() < count) {
    const auto due = probe_due(state);
    REQUIRE(due);
    times.push_back(*due);
    check_begins(state, probe, *due);
    CHECK_FALSE(probe_due(state));
    (void)check_ends(state, probe, false, Time{0}, *due);
  }
  return times;
}

}  // namespace

TEST_SUITE("pod/probe") {
  TEST_CASE("exact timing is the initial delay and the period") {
    auto probe = socket_probe();
    probe.initial_delay = 3s;
    probe.period = 2s;
    CHECK(failing(probe, ProbeKind::readiness, true, 3) == std::vector<Duration>{3s, 5s, 7s});
  }

  TEST_CASE("until its first success a readiness probe polls fast, never less than declared") {
    Probe exec;
    exec.check = ExecCheck{{"true"}};
    exec.period = 1s;
    CHECK(failing(exec, ProbeKind::readiness, false, 8) ==
          std::vector<Duration>{0ms, 50ms, 150ms, 350ms, 750ms, 1s, 2s, 3s});
  }

  TEST_CASE("a socket is polled at the first pace for a second") {
    const auto times = failing(socket_probe(), ProbeKind::startup, false, 30);
    CHECK(times[19] == 950ms);
    CHECK(times[21] == 1050ms);
    CHECK(times[22] == 1150ms);
    CHECK(times[23] == 1350ms);
    CHECK(times[26] == 4150ms);
    CHECK(times[27] == 7350ms);
    CHECK(times[28] == 10s);
    CHECK(times[29] == 20s);
  }

  TEST_CASE("liveness is checked at its declared times only") {
    CHECK(failing(socket_probe(), ProbeKind::liveness, false, 3) ==
          std::vector<Duration>{0s, 10s, 20s});
  }

  TEST_CASE("only failures at declared times count") {
    auto probe = socket_probe();
    probe.failure_threshold = 2;
    ProbeState state;
    begin_probe(state, probe, ProbeKind::startup, Time{0}, Time{0}, false);
    Time now{0};
    int counted = 0;
    bool turned = false;
    while (!turned) {
      now = *probe_due(state);
      check_begins(state, probe, now);
      const auto change = check_ends(state, probe, false, Time{0}, now);
      counted += change.counted ? 1 : 0;
      turned = change.turned;
    }
    CHECK(counted == 2);
    CHECK(now == 10s);
    CHECK_FALSE(state.result);
  }

  TEST_CASE("thresholds count outcomes in a row") {
    auto probe = socket_probe();
    probe.success_threshold = 2;
    probe.failure_threshold = 3;
    ProbeState state;
    begin_probe(state, probe, ProbeKind::readiness, Time{0}, Time{0}, true);
    const auto outcome = [&](bool success) {
      const Time due = *probe_due(state);
      check_begins(state, probe, due);
      return check_ends(state, probe, success, Time{0}, due).turned;
    };
    CHECK_FALSE(outcome(true));
    CHECK_FALSE(outcome(false));
    CHECK_FALSE(outcome(true));
    CHECK(outcome(true));
    CHECK(state.result);
    CHECK_FALSE(outcome(true));
    CHECK_FALSE(outcome(false));
    CHECK_FALSE(outcome(false));
    CHECK(state.result);
    CHECK(outcome(false));
    CHECK_FALSE(state.result);
  }

  TEST_CASE("a check that takes longer than the period is not made up for") {
    auto probe = socket_probe();
    probe.period = 1s;
    ProbeState state;
    begin_probe(state, probe, ProbeKind::liveness, Time{0}, Time{0}, false);
    check_begins(state, probe, Time{0});
    (void)check_ends(state, probe, true, Time{0}, Time{3500ms});
    CHECK(probe_due(state) == 1s);
    check_begins(state, probe, Time{3500ms});
    (void)check_ends(state, probe, true, Time{0}, Time{3600ms});
    CHECK(probe_due(state) == 4s);
  }

  TEST_CASE("the next supervisor goes on with the row") {
    auto probe = socket_probe();
    ProbeState state;
    begin_probe(state, probe, ProbeKind::liveness, Time{0}, Time{0}, false);
    for (int i = 0; i < 2; ++i) {
      check_begins(state, probe, *state.due);
      (void)check_ends(state, probe, false, Time{0}, *state.due);
    }
    ProbeState kept;
    kept.result = state.result;
    kept.last = state.last;
    kept.row = state.row;
    resume_probe(kept, probe, Time{0}, Time{100s});
    CHECK(probe_due(kept) == 100s);
    check_begins(kept, probe, Time{100s});
    CHECK(check_ends(kept, probe, false, Time{0}, Time{100s}).turned);
  }
}
