// One event's handling: the state that it changes, the actions that it collects. Internal to the
// lifecycle*.cpp files, each of which holds one subject.
#pragma once

#include "pod/lifecycle.hpp"

namespace pausa::pod {

using Stage = ContainerState::Stage;
using Ending = ContainerState::Ending;

struct Lifecycle::Step {
  const Lifecycle& machine;
  PodState& state;
  Time now;
  WallTime wall{0};
  std::vector<Action> actions{};

  bool is_init(std::size_t i) const { return i < machine.init_count(); }
  bool is_sidecar(std::size_t i) const { return state.containers[i].sidecar; }
  // A process of it is there, or about to be.
  bool active(std::size_t i) const {
    const auto stage = state.containers[i].stage;
    return stage == Stage::running || stage == Stage::starting;
  }
  const Container& spec(std::size_t i) const { return machine.container(i); }
  Duration grace() const { return machine.spec_->termination_grace_period; }

  Action& act(Action::Kind kind, std::size_t container = 0) {
    return actions.emplace_back(Action{kind, container});
  }

  // lifecycle_start.cpp: who is started when, and again
  void advance();
  bool init_is_through(std::size_t i);
  void start(std::size_t i);
  void started(std::size_t i);
  void ended(std::size_t i, Termination end, Duration ran);
  void restart(std::size_t i, Duration grace);
  void restart_all(std::size_t i, Termination end, Duration ran);
  bool restarts(std::size_t i, const Termination& end) const;
  void start_later(std::size_t i, Termination end, Duration ran);
  void config_fault(const event::ConfigFault& fault);
  void config_changed();
  void begin_anew(const char* reason);
  void sandbox_died();

  // lifecycle_probe.cpp: from running to up and ready, and back
  void post_start_done(std::size_t i, bool success);
  void set_up(std::size_t i);
  void set_ready(std::size_t i, bool ready);
  void begin(std::size_t i, ProbeKind kind);
  void probe_done(std::size_t i, ProbeKind kind, bool success);
  void check_what_is_due(std::size_t i);
  void resume();
  void set_gate(const GateState& gate);

  // lifecycle_stop.cpp: ends, one by one and all together
  void stop(Duration grace, Cause cause);
  void end(std::size_t i, Time kill_at, Cause cause);
  void end_step(std::size_t i);
  void signal(std::size_t i);
  void kill(std::size_t i);
  void pre_stop_done(std::size_t i);
  bool waits_for_its_turn(std::size_t i) const;
  void give_turns();
  void tick();
  void give_up(std::size_t i);
  void settle();
  void finish();
  void fail(const char* reason, std::string message, Duration grace);
};

}  // namespace pausa::pod
