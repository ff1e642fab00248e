// Sidecars, hooks, probes, rules and deadlines: who begins after whom, and who ends when.
#include "unit/pod/life.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace pausa::test;

namespace {

constexpr auto post_start = HookKind::post_start;
constexpr auto pre_stop = HookKind::pre_stop;
constexpr auto startup = ProbeKind::startup;
constexpr auto liveness = ProbeKind::liveness;
constexpr auto readiness = ProbeKind::readiness;

Spec with_sidecars(std::size_t sidecars, std::size_t mains,
                   RestartPolicy policy = RestartPolicy::always) {
  Spec spec = Life::make_spec(policy, sidecars, mains);
  for (auto& container : spec.init_containers) container.restart = ContainerRestart::always;
  return spec;
}

void add_probe(Container& container, ProbeKind kind, std::uint32_t failures = 3) {
  Probe probe;
  probe.check = TcpCheck{};
  probe.failure_threshold = failures;
  container.health.probes[static_cast<std::size_t>(kind)] = probe;
}

}  // namespace

TEST_SUITE("pod/lifecycle_order") {
  TEST_CASE("sidecars start in order and the others after them") {
    Life life(with_sidecars(2, 1));
    CHECK(words(life.up()) == "start 0");
    CHECK(words(life.started(0)) == "start 1");
    CHECK_FALSE(life.state.initialized);
    CHECK(words(life.started(1)) == "start 2");
    CHECK(life.state.initialized);
  }

  TEST_CASE("a sidecar with a startup probe lets the next begin when that has passed") {
    Spec spec = with_sidecars(1, 1);
    add_probe(spec.init_containers[0], startup);
    Life life(std::move(spec));
    life.up();
    CHECK(words(life.started(0)) == "check 0 startup");
    CHECK_FALSE(life[0].up);
    CHECK(words(life.probed(0, startup, false)) == "");
    CHECK(words(life.tick(50ms)) == "check 0 startup");
    CHECK(words(life.probed(0, startup, true)) == "start 1");
    CHECK(life[0].up);
  }

  TEST_CASE("a sidecar is started again whatever the policy, and holds nobody back then") {
    Life life(with_sidecars(1, 1, RestartPolicy::never));
    life.up();
    life.started(0);
    life.started(1);
    CHECK(words(life.exited(0, 0)) == "start 0");
    CHECK(life[0].restart_count == 1);
    life.started(0);
    CHECK(words(life.exited(0, 1)) == "");
    CHECK(words(life.told) == "backs off 0");
    CHECK(words(life.tick(10s)) == "start 0");
  }

  TEST_CASE("a sidecar that restarts while init containers run does not repeat them") {
    Spec spec = with_sidecars(2, 1);
    spec.init_containers[1].restart = ContainerRestart::as_pod;
    Life life(std::move(spec));
    life.up();
    CHECK(words(life.started(0)) == "start 1");
    life.started(1);
    CHECK(words(life.exited(0, 1)) == "start 0");
    CHECK(words(life.exited(1, 0)) == "start 2");
    CHECK(words(life.started(0)) == "");
    CHECK(life[1].launches == 1);
  }

  TEST_CASE("when the others are done, sidecars end in reverse order and do not count") {
    Life life(with_sidecars(2, 1, RestartPolicy::never));
    life.up();
    life.started(0);
    life.started(1);
    life.started(2);
    CHECK(words(life.exited(2, 0)) == "terminate 1");
    CHECK(life[0].ending == Ending::turn);
    CHECK(life.state.completing);
    CHECK(words(life.exited(1, 143, 15)) == "terminate 0");
    CHECK(words(life.exited(0, 9)) == "tear down");
    CHECK(life.state.phase == Phase::succeeded);
    CHECK(exit_code(life.state) == 0);
  }

  TEST_CASE("a stop ends the others first, then sidecars, under one grace") {
    Life life(with_sidecars(1, 2));
    life.up();
    for (std::size_t i = 0; i < 3; ++i) life.started(i);
    CHECK(words(life.stop(10s)) == "terminate 1, terminate 2");
    CHECK(words(life.exited(1, 0)) == "");
    CHECK(words(life.tick(10s)) == "terminate 0, kill 2");
    CHECK(words(life.tick(500ms)) == "kill 0");
    life.exited(2, 137, 9);
    CHECK(words(life.exited(0, 137, 9)) == "tear down");
  }

  TEST_CASE("a failed init container ends the sidecars that run") {
    Spec spec = with_sidecars(2, 1, RestartPolicy::never);
    spec.init_containers[1].restart = ContainerRestart::as_pod;
    Life life(std::move(spec));
    life.up();
    life.started(0);
    life.started(1);
    CHECK(words(life.exited(1, 3)) == "terminate 0");
    CHECK(words(life.exited(0, 143, 15)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
    CHECK(exit_code(life.state) == 3);
  }

  TEST_CASE("postStart holds back the next container, and probes") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 2);
    spec.containers[0].health.post_start = Sleep{};
    add_probe(spec.containers[0], readiness);
    Life life(std::move(spec));
    CHECK(words(life.up()) == "start 0");
    CHECK(words(life.started(0)) == "run 0 postStart");
    CHECK_FALSE(all_running(life.state, 0));
    CHECK(words(life.hook_done(0, post_start)) == "check 0 readiness, start 1");
    CHECK(life[0].up);
    CHECK_FALSE(life[0].ready);
    life.started(1);
    CHECK(all_running(life.state, 0));
    CHECK(life[1].ready);
  }

  TEST_CASE("a failed postStart ends the container, which is started again by policy") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.containers[0].health.post_start = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.hook_done(0, post_start, false)) == "terminate 0");
    CHECK(life.told.front().cause == Cause::post_start);
    CHECK(words(life.exited(0, 143, 15)) == "start 0");
  }

  TEST_CASE("preStop goes before the signal and counts against the grace") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.containers[0].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.stop(10s)) == "run 0 preStop");
    life.now += 4s;
    CHECK(words(life.hook_done(0, pre_stop)) == "terminate 0");
    CHECK(life.machine.next_wake(life.state) == life.now + 6s);
    CHECK(words(life.tick(6s)) == "kill 0");
  }

  TEST_CASE("a preStop that hangs is cut off, and the signal still sent") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.containers[0].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    life.stop(2s);
    CHECK(words(life.tick(2s)) == "cancel 0 preStop, terminate 0");
    CHECK(words(life.tick(500ms)) == "kill 0");
    CHECK(words(life.exited(0, 137, 9)) == "tear down");
  }

  TEST_CASE("without a grace there is no preStop, and no postStart goes on") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.containers[0].health.pre_stop = Sleep{};
    spec.containers[0].health.post_start = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.stop(0s)) == "cancel 0 postStart, kill 0");
  }

  TEST_CASE("a stop cuts a preStop off when it is shortened to nothing") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.containers[0].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    life.stop(30s);
    CHECK(words(life.stop(0s)) == "cancel 0 preStop, kill 0");
  }

  TEST_CASE("a sidecar's preStop runs at once, its signal waits") {
    Spec spec = with_sidecars(1, 1);
    spec.init_containers[0].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    life.started(1);
    CHECK(words(life.stop(10s)) == "run 0 preStop, terminate 1");
    CHECK(words(life.hook_done(0, pre_stop)) == "");
    CHECK(words(life.exited(1, 0)) == "terminate 0");
  }

  TEST_CASE("a container that has ended already has no preStop") {
    Spec spec = Life::make_spec(RestartPolicy::never, 0, 2);
    spec.containers[0].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    life.started(1);
    life.exited(0, 0);
    CHECK(words(life.stop(10s)) == "terminate 1");
  }

  TEST_CASE("a failing liveness probe ends the container and it is started again") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    add_probe(spec.containers[0], liveness, 2);
    spec.containers[0].health.probes[1]->grace_period = 3s;
    Life life(std::move(spec));
    life.up();
    CHECK(words(life.started(0)) == "check 0 liveness");
    CHECK(life[0].ready);
    CHECK(words(life.probed(0, liveness, false)) == "");
    CHECK(words(life.told) == "unhealthy 0 liveness");
    CHECK(words(life.tick(10s)) == "check 0 liveness");
    CHECK(words(life.probed(0, liveness, false)) == "terminate 0");
    CHECK(words(life.told) == "unhealthy 0 liveness, kills 0");
    CHECK_FALSE(life[0].ready);
    CHECK(words(life.tick(3s)) == "kill 0");
    CHECK(words(life.exited(0, 137, 9)) == "start 0");
    CHECK(words(life.started(0)) == "check 0 liveness");
  }

  TEST_CASE("after the startup probe the others begin at once") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    for (const auto kind : {startup, liveness, readiness}) add_probe(spec.containers[0], kind);
    Life life(std::move(spec));
    life.up();
    CHECK(words(life.started(0)) == "check 0 startup");
    CHECK(words(life.probed(0, startup, true)) == "check 0 liveness, check 0 readiness");
    CHECK(words(life.probed(0, readiness, true)) == "");
    CHECK(life[0].ready);
    CHECK(life[0].ready_since == 8ns);
  }

  TEST_CASE("a startup probe that fails ends the container") {
    Spec spec = Life::make_spec(RestartPolicy::never, 0, 1);
    add_probe(spec.containers[0], startup, 1);
    Life life(std::move(spec), true);
    life.up();
    life.started(0);
    CHECK(words(life.probed(0, startup, false)) == "terminate 0");
    CHECK(life.told.back().cause == Cause::startup);
    CHECK(words(life.exited(0, 143, 15)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
  }

  TEST_CASE("readiness never restarts, and ends with the stop") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    add_probe(spec.containers[0], readiness, 1);
    Life life(std::move(spec), true);
    life.up();
    life.started(0);
    life.probed(0, readiness, true);
    CHECK(life[0].ready);
    life.tick(10s);
    CHECK(words(life.probed(0, readiness, false)) == "");
    CHECK_FALSE(life[0].ready);
    life.tick(10s);
    life.probed(0, readiness, true);
    CHECK(words(life.stop(5s)) == "terminate 0");
    CHECK_FALSE(life[0].ready);
    CHECK(life.machine.next_wake(life.state) == life.now + 5s);
    CHECK(words(life.probed(0, readiness, true)) == "");
    CHECK_FALSE(life[0].ready);
  }

  TEST_CASE("a container's policy and rules go before the pod's") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 3);
    spec.containers[0].restart = ContainerRestart::never;
    spec.containers[1].restart = ContainerRestart::on_failure;
    spec.containers[2].restart = ContainerRestart::never;
    spec.containers[2].restart_rules.push_back({false, false, {42}});
    Life life(std::move(spec));
    life.up();
    for (std::size_t i = 0; i < 3; ++i) life.started(i);
    CHECK(words(life.exited(2, 42)) == "start 2");
    life.started(2);
    CHECK(words(life.exited(0, 1)) == "");
    CHECK(words(life.exited(1, 0)) == "");
    CHECK(words(life.exited(2, 1)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
  }

  TEST_CASE("an init container may have its own policy") {
    Spec spec = Life::make_spec(RestartPolicy::always, 1, 1);
    spec.init_containers[0].restart = ContainerRestart::never;
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.exited(0, 1)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
  }

  TEST_CASE("RestartAllContainers ends all at once and begins with the first init container") {
    Spec spec = Life::make_spec(RestartPolicy::never, 1, 2);
    spec.containers[0].restart = ContainerRestart::never;
    spec.containers[0].restart_rules.push_back({true, false, {88}});
    spec.containers[1].health.pre_stop = Sleep{};
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.exited(0, 0)) == "start 1, start 2");
    life.started(1);
    life.started(2);
    CHECK(words(life.exited(1, 88)) == "kill 2");
    CHECK(words(life.exited(2, 137, 9)) == "start 0");
    CHECK(life[2].last->exit_code == 137);
    CHECK(life[0].restart_count == 1);
    life.started(0);
    CHECK(words(life.exited(0, 0)) == "start 1, start 2");
    life.started(1);
    life.started(2);
    // The second time it backs off; the others do not wait for it.
    life.exited(1, 88);
    CHECK(words(life.told) == "backs off 1, kills 2");
    CHECK(words(life.exited(2, 137, 9)) == "start 0");
    life.started(0);
    CHECK(words(life.exited(0, 0)) == "start 2");
    CHECK(words(life.tick(10s)) == "start 1");
  }

  TEST_CASE("the deadline fails the pod") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 1);
    spec.active_deadline = 5s;
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(life.machine.next_wake(life.state) == life.now + 5s);
    CHECK(words(life.tick(5s)) == "terminate 0");
    CHECK(life.state.phase == Phase::running);  // as long as something runs
    CHECK(life.state.reason == "DeadlineExceeded");
    CHECK(words(life.exited(0, 0)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
    CHECK(exit_code(life.state) == 1);
  }

  TEST_CASE("an evicted pod has failed, however its containers end") {
    Life life(RestartPolicy::always, 0, 2);
    life.up();
    life.started(0);
    life.started(1);
    life.exited(1, 0);
    CHECK(words(life.feed(event::Evict{"too much", 5ns})) == "kill 0, kill 1");
    CHECK(life.state.phase == Phase::running);
    CHECK(words(life.exited(0, 0)).empty());
    CHECK(words(life.exited(1, 0)) == "tear down");
    CHECK(life.state.phase == Phase::failed);
    CHECK(life.state.reason == "Evicted");
    CHECK(life.state.message == "too much");
    CHECK(life.feed(event::Evict{"still", 6ns}).empty());
  }

  TEST_CASE("a pod that is being stopped is not evicted any more") {
    Life life(RestartPolicy::never, 0, 1);
    life.up();
    life.started(0);
    life.stop(9s);
    CHECK(life.feed(event::Evict{"too much", 5ns}).empty());
    CHECK(words(life.exited(0, 0)) == "tear down");
    CHECK(life.state.phase == Phase::succeeded);
  }

  TEST_CASE("the next supervisor goes on with hooks, probes and endings") {
    Spec spec = Life::make_spec(RestartPolicy::always, 0, 3);
    spec.containers[0].health.post_start = Sleep{};
    add_probe(spec.containers[1], readiness);
    Life life(std::move(spec));
    life.up();
    life.started(0);
    CHECK(words(life.feed(event::Resume{})) == "run 0 postStart");
    life.hook_done(0, post_start);
    life.started(1);
    life.started(2);
    CHECK(words(life.feed(event::Resume{})) == "check 1 readiness");
    life.stop(9s);
    CHECK(words(life.feed(event::Resume{})) == "terminate 0, terminate 1, terminate 2");
    CHECK(words(life.tick(9s)) == "kill 0, kill 1, kill 2");
    CHECK(words(life.feed(event::Resume{})) == "kill 0, kill 1, kill 2");
  }
}
