// What comes to a pod that runs: ephemeral containers, and conditions that others set.
#include "pod/conditions.hpp"
#include "pod/short_status.hpp"
#include "unit/pod/life.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace pausa::test;

namespace {

// As the supervisor adds one.
std::vector<Action> add(Life& life) {
  life.spec.ephemeral_containers.emplace_back();
  life.state.containers.emplace_back().ephemeral = true;
  return life.feed(event::Added{3ns});
}

}  // namespace

TEST_SUITE("pod/lifecycle") {
  TEST_CASE("an ephemeral container is started once, and nobody minds how it ends") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    CHECK(words(add(life)) == "start 1");
    life.started(1);
    CHECK(life[1].stage == Stage::running);
    CHECK(words(life.exited(1, 3)).empty());
    CHECK(life[1].stage == Stage::terminated);
    CHECK(life.state.phase == Phase::running);
    CHECK(exit_code(life.state) == 0);
    CHECK(ready_count(life.state, 0).all == 1);
    CHECK(short_status(life.state, 0) == "Running");
    CHECK(words(life.feed(event::Restart{1, 1s})).empty());
    CHECK(words(add(life)) == "start 2");
  }

  TEST_CASE("an ephemeral container starts while init containers run") {
    Life life(RestartPolicy::always, 1, 1);
    life.up();
    life.started(0);
    CHECK(words(add(life)) == "start 2");
  }

  TEST_CASE("an ephemeral container does not keep a pod alive that is done") {
    Life life(RestartPolicy::never, 0, 1);
    life.up();
    life.started(0);
    add(life);
    life.started(1);
    CHECK(words(life.exited(0, 0)) == "terminate 1");
    CHECK(words(life.exited(1, 143, 15)) == "tear down");
    CHECK(life.state.phase == Phase::succeeded);
  }

  TEST_CASE("a new sandbox brings no ephemeral container back") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    add(life);
    life.started(1);
    CHECK(words(life.feed(event::SandboxDied{9ns})) == "rebuild");
    CHECK(words(life.up()) == "start 0");
    CHECK(life[1].stage == Stage::terminated);
  }

  TEST_CASE("a gate holds since it was set, and keeps its reason") {
    Life life(RestartPolicy::always, 0, 1);
    life.spec.readiness_gates = {"example.com/fed"};
    life.up();
    life.started(0);
    Pod pod;
    pod.spec = life.spec;
    CHECK_FALSE(pod_is_ready(pod, life.state));
    life.feed(event::SetGate{{"example.com/fed", true, {}, "Fed", "by hand"}, 20ns});
    CHECK(pod_is_ready(pod, life.state));
    life.feed(event::SetGate{{"example.com/fed", true, {}, "Fed", "again"}, 30ns});
    REQUIRE(life.state.gates.size() == 1);
    CHECK(life.state.gates[0].since == 20ns);
    CHECK(life.state.gates[0].message == "again");
    life.feed(event::SetGate{{"example.com/fed", false}, 40ns});
    CHECK(life.state.gates[0].since == 40ns);
    CHECK_FALSE(pod_is_ready(pod, life.state));
  }
}
