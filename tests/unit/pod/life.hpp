// A pod's machine and state, driven like the supervisor drives them.
#pragma once

#include "pod/lifecycle.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace pausa::test {

using pod::Action;
using Kind = Action::Kind;
using Stage = pod::ContainerState::Stage;
using Ending = pod::ContainerState::Ending;
using namespace std::chrono_literals;

struct Life {
  pod::Spec spec;
  pod::Lifecycle machine;
  pod::PodState state;
  pod::Time now{1s};
  std::vector<Action> told;  // for the history alone

  Life(pod::RestartPolicy policy, std::size_t init, std::size_t mains)
      : Life(make_spec(policy, init, mains)) {}
  explicit Life(pod::Spec made, bool exact = false)
      : spec(std::move(made)),
        machine(spec, pod::BackoffPolicy{}, exact),
        state(machine.initial()) {}
  Life(const Life&) = delete;

  static pod::Spec make_spec(pod::RestartPolicy policy, std::size_t init, std::size_t mains) {
    pod::Spec spec;
    spec.restart_policy = policy;
    spec.init_containers.resize(init);
    spec.containers.resize(mains);
    return spec;
  }

  std::vector<Action> feed(const pod::Event& event) {
    auto actions = machine.handle(state, event, now);
    told.clear();
    std::vector<Action> to_do;
    for (auto& action : actions) {
      const bool telling = action.kind >= Kind::tell_killing;
      (telling ? told : to_do).push_back(action);
    }
    return to_do;
  }
  std::vector<Action> up() { return feed(pod::event::SandboxUp{1ns}); }
  std::vector<Action> started(std::size_t i) { return feed(pod::event::Started{i, 5ns}); }
  std::vector<Action> exited(std::size_t i, int code, int signal = 0, bool oom = false) {
    return feed(pod::event::Exited{i, code, signal, oom, 9ns});
  }
  std::vector<Action> tick(pod::Duration later = pod::Duration{0}) {
    now += later;
    return feed(pod::event::Tick{});
  }
  std::vector<Action> stop(pod::Duration grace) { return feed(pod::event::Stop{grace}); }
  std::vector<Action> hook_done(std::size_t i, pod::HookKind kind, bool success = true) {
    return feed(pod::event::HookDone{i, kind, success, 7ns});
  }
  std::vector<Action> probed(std::size_t i, pod::ProbeKind kind, bool success) {
    return feed(pod::event::ProbeDone{i, kind, success, 8ns});
  }
  pod::ContainerState& operator[](std::size_t i) { return state.containers[i]; }
};

// What is to be done, in words: "start 0, check 1 readiness".
inline std::string words(const std::vector<Action>& actions) {
  static const char* const names[] = {"start",     "run",       "cancel",   "check",
                                      "terminate", "kill",      "rebuild",  "tear down",
                                      "kills",     "unhealthy", "backs off"};
  static const char* const probes[] = {"startup", "liveness", "readiness"};
  static const char* const hooks[] = {"postStart", "preStop"};
  std::string text;
  for (const auto& action : actions) {
    if (!text.empty()) text += ", ";
    text += names[static_cast<std::size_t>(action.kind)];
    if (action.kind == Kind::rebuild_sandbox || action.kind == Kind::tear_down) continue;
    text += " " + std::to_string(action.container);
    if (action.kind == Kind::check || action.kind == Kind::tell_unhealthy)
      text += std::string(" ") + probes[static_cast<std::size_t>(action.probe)];
    if (action.kind == Kind::run_hook || action.kind == Kind::cancel_hook)
      text += std::string(" ") + hooks[static_cast<std::size_t>(action.hook)];
  }
  return text;
}

}  // namespace pausa::test
