#include "unit/pod/life.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace pausa::test;

namespace {

bool is(const std::vector<Action>& actions, std::vector<std::pair<Kind, std::size_t>> expected) {
  if (actions.size() != expected.size()) return false;
  for (std::size_t i = 0; i < actions.size(); ++i)
    if (actions[i].kind != expected[i].first || actions[i].container != expected[i].second)
      return false;
  return true;
}

}  // namespace

TEST_SUITE("pod/lifecycle") {
  TEST_CASE("all containers start in manifest order once the sandbox is up") {
    Life life(RestartPolicy::always, 0, 3);
    CHECK(is(life.up(), {{Kind::start, 0}, {Kind::start, 1}, {Kind::start, 2}}));
    CHECK(life.state.phase == Phase::pending);
    CHECK_FALSE(all_running(life.state, 0));
    life.started(0);
    CHECK(life.state.phase == Phase::running);
    life.started(1);
    life.started(2);
    CHECK(all_running(life.state, 0));
  }

  TEST_CASE("init containers run one by one, the others after the last success") {
    Life life(RestartPolicy::never, 2, 1);
    CHECK(is(life.up(), {{Kind::start, 0}}));
    CHECK(life.started(0).empty());
    CHECK(is(life.exited(0, 0), {{Kind::start, 1}}));
    life.started(1);
    CHECK_FALSE(life.state.initialized);
    CHECK(is(life.exited(1, 0), {{Kind::start, 2}}));
    CHECK(life.state.initialized);
    CHECK(life.state.phase == Phase::pending);
  }

  TEST_CASE("a failing init container ends a Never pod and no other container is started") {
    Life life(RestartPolicy::never, 1, 1);
    life.up();
    life.started(0);
    CHECK(is(life.exited(0, 3), {{Kind::tear_down, 0}}));
    CHECK(life.state.phase == Phase::failed);
    CHECK(life.state.containers[1].launches == 0);
    CHECK(exit_code(life.state) == 3);
  }

  TEST_CASE("a failing init container is retried with back-off under OnFailure") {
    Life life(RestartPolicy::on_failure, 1, 1);
    life.up();
    life.started(0);
    CHECK(is(life.exited(0, 1), {{Kind::start, 0}}));
    life.started(0);
    CHECK(life.exited(0, 1).empty());
    CHECK(life.state.containers[0].waiting_reason == "CrashLoopBackOff");
    life.now += 10s;
    CHECK(is(life.feed(event::Tick{}), {{Kind::start, 0}}));
    life.started(0);
    CHECK(is(life.exited(0, 0), {{Kind::start, 1}}));
  }

  TEST_CASE("a completed init container is not run again when an app container restarts") {
    Life life(RestartPolicy::always, 1, 1);
    life.up();
    life.started(0);
    life.exited(0, 0);
    life.started(1);
    CHECK(is(life.exited(1, 1), {{Kind::start, 1}}));
    CHECK(life.state.containers[0].launches == 1);
  }

  TEST_CASE("restarts wait 0, 10, 20, 40 … 300 seconds and never more") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    const std::vector<int> waits{0, 10, 20, 40, 80, 160, 300, 300};
    for (const int wait : waits) {
      life.started(0);
      const auto actions = life.exited(0, 1);
      if (wait == 0) {
        CHECK(is(actions, {{Kind::start, 0}}));
        continue;
      }
      CHECK(actions.empty());
      CHECK(life.machine.next_wake(life.state) == life.now + std::chrono::seconds(wait));
      life.now += std::chrono::seconds(wait) - 1ns;
      CHECK(life.feed(event::Tick{}).empty());
      life.now += 1ns;
      CHECK(is(life.feed(event::Tick{}), {{Kind::start, 0}}));
    }
    CHECK(life.state.containers[0].restart_count == waits.size());
  }

  TEST_CASE("ten minutes of running reset the back-off") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    life.exited(0, 1);
    life.started(0);
    life.exited(0, 1);
    life.now += 10s;
    life.feed(event::Tick{});
    life.started(0);
    life.now += 10min;
    CHECK(is(life.exited(0, 1), {{Kind::start, 0}}));
  }

  TEST_CASE("Always restarts success too, OnFailure only failure, Never nothing") {
    Life always(RestartPolicy::always, 0, 1);
    always.up();
    always.started(0);
    CHECK(is(always.exited(0, 0), {{Kind::start, 0}}));
    Life on_failure(RestartPolicy::on_failure, 0, 1);
    on_failure.up();
    on_failure.started(0);
    CHECK(is(on_failure.exited(0, 0), {{Kind::tear_down, 0}}));
    CHECK(on_failure.state.phase == Phase::succeeded);
    Life never(RestartPolicy::never, 0, 2);
    never.up();
    never.started(0);
    never.started(1);
    CHECK(never.exited(0, 2).empty());
    CHECK(is(never.exited(1, 0), {{Kind::tear_down, 0}}));
    CHECK(never.state.phase == Phase::failed);
    CHECK(exit_code(never.state) == 2);
  }

  TEST_CASE("a stop terminates all at once and kills what is left when the grace ends") {
    Life life(RestartPolicy::always, 0, 2);
    life.up();
    life.started(0);
    life.started(1);
    CHECK(is(life.feed(event::Stop{10s}), {{Kind::terminate, 0}, {Kind::terminate, 1}}));
    CHECK(life.exited(0, 143, 15).empty());
    CHECK(life.machine.next_wake(life.state) == life.now + 10s);
    life.now += 10s;
    CHECK(is(life.feed(event::Tick{}), {{Kind::kill, 1}}));
    CHECK(is(life.exited(1, 137, 9), {{Kind::tear_down, 0}}));
    CHECK(life.state.finished);
  }

  TEST_CASE("a member that survives SIGKILL holds the stop up for one second at most") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    life.feed(event::Stop{10s});
    life.now += 10s;
    CHECK(is(life.feed(event::Tick{}), {{Kind::kill, 0}}));
    CHECK(life.machine.next_wake(life.state) == life.now + 1s);
    life.now += 1s;
    CHECK(is(life.feed(event::Tick{}), {{Kind::tear_down, 0}}));
    CHECK(life.state.containers[0].terminated->exit_code == 137);
  }

  TEST_CASE("a shorter grace given later wins, a longer one does not") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    life.feed(event::Stop{10s});
    life.feed(event::Stop{60s});
    CHECK(life.machine.next_wake(life.state) == life.now + 10s);
    CHECK(is(life.feed(event::Stop{0s}), {{Kind::kill, 0}}));
  }

  TEST_CASE("a stop while waiting for the back-off finishes at once") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    for (int i = 0; i < 2; ++i) {
      life.started(0);
      life.exited(0, 1);
    }
    CHECK(is(life.feed(event::Stop{10s}), {{Kind::tear_down, 0}}));
  }

  TEST_CASE("a dead sandbox is rebuilt with everything in it, unless the policy is Never") {
    Life life(RestartPolicy::always, 1, 1);
    life.up();
    life.started(0);
    life.exited(0, 0);
    life.started(1);
    CHECK(is(life.feed(event::SandboxDied{9ns}), {{Kind::rebuild_sandbox, 0}}));
    CHECK(life.state.containers[1].last->exit_code == 137);
    CHECK(is(life.up(), {{Kind::start, 0}}));
    Life never(RestartPolicy::never, 0, 1);
    never.up();
    never.started(0);
    CHECK(never.feed(event::SandboxDied{9ns}).empty());
    CHECK(never.state.finished);
    CHECK(never.state.phase == Phase::failed);
  }

  TEST_CASE("an out-of-memory kill is called OOMKilled") {
    Life life(RestartPolicy::never, 0, 1);
    life.up();
    life.started(0);
    life.exited(0, 137, 9, true);
    CHECK(life.state.containers[0].terminated->reason == "OOMKilled");
  }

  TEST_CASE("a restart asked for by the user ignores policy and back-off") {
    Life life(RestartPolicy::never, 0, 2);
    life.up();
    life.started(0);
    life.started(1);
    CHECK(is(life.feed(event::Restart{0, 10s}), {{Kind::terminate, 0}}));
    life.now += 10s;
    CHECK(is(life.feed(event::Tick{}), {{Kind::kill, 0}}));
    CHECK(is(life.exited(0, 137, 9), {{Kind::start, 0}}));
    CHECK(life.state.containers[0].restart_count == 1);
  }

  TEST_CASE("what a container refers to is gone: it waits and is tried again") {
    Life life(RestartPolicy::never, 0, 2);
    life.spec.containers[0].restart = ContainerRestart::always;
    life.up();
    life.started(0);
    life.started(1);
    CHECK(words(life.exited(0, 3)) == "start 0");
    CHECK(words(life.feed(event::ConfigFault{0, "configmap \"c\" not found", 4ns})).empty());
    CHECK(life[0].stage == Stage::waiting);
    CHECK(life[0].waiting_reason == "CreateContainerConfigError");
    CHECK(life[0].waiting_message == "configmap \"c\" not found");
    CHECK(life[0].launches == 1);
    CHECK(life[0].restart_count == 0);
    REQUIRE(life[0].last);
    CHECK(life[0].last->exit_code == 3);
    CHECK(all_running(life.state, 0));
    REQUIRE(life.machine.next_wake(life.state));
    CHECK(words(life.tick(9s)).empty());
    CHECK(words(life.tick(1s)) == "start 0");
    CHECK(words(life.feed(event::ConfigFault{0, "still", 4ns})).empty());
    CHECK(words(life.feed(event::ConfigChanged{5ns})) == "start 0");
    CHECK(words(life.started(0)).empty());
    CHECK(life[0].launches == 2);
    CHECK(life[0].restart_count == 1);
    CHECK(words(life.feed(event::ConfigChanged{5ns})).empty());
  }

  TEST_CASE("an image that is gone is waited for, ever longer") {
    Life life(RestartPolicy::never, 0, 1);
    life.spec.containers[0].restart = ContainerRestart::always;
    life.spec.containers[0].image = "app:1";
    life.up();
    life.started(0);
    life.exited(0, 3);
    const auto refuse = [&](const char* reason) {
      return words(life.feed(event::ConfigFault{0, "refused", 4ns, reason}));
    };
    CHECK(refuse(pull_error).empty());
    CHECK(life[0].waiting_reason == "ErrImagePull");
    CHECK(life[0].waiting_message == "refused");
    CHECK(waits_for_missing(life[0]));
    Duration wait = 10s;
    for (int i = 0; i < 7; ++i) {
      CHECK(words(life.tick(wait - 1s)).empty());
      CHECK(words(life.tick(1s)) == "start 0");
      CHECK(refuse(pull_error).empty());
      CHECK(life[0].waiting_reason == "ImagePullBackOff");
      CHECK(life[0].waiting_message == "Back-off pulling image \"app:1\": ErrImagePull: refused");
      wait = std::min<Duration>(wait * 2, 300s);
    }
    CHECK(life[0].restart_count == 0);
    CHECK(words(life.feed(event::ConfigChanged{5ns})) == "start 0");
    life.started(0);
    CHECK(life[0].restart_count == 1);
    life.exited(0, 3);
    CHECK(words(life.tick(10s)) == "start 0");
    CHECK(refuse(never_pull_error).empty());
    CHECK(life[0].waiting_reason == "ErrImageNeverPull");
    CHECK(words(life.tick(10s)) == "start 0");
    CHECK(refuse(pull_error).empty());
    CHECK(life[0].waiting_reason == "ErrImagePull");
  }

  TEST_CASE("a registry is left in peace for a second, however short back-offs are") {
    Life life(RestartPolicy::always, 0, 1);
    life.machine = Lifecycle(life.spec, BackoffPolicy{0s, 0s});
    life.up();
    for (int i = 0; i < 3; ++i) {
      CHECK(words(life.feed(event::ConfigFault{0, "refused", 4ns, pull_error})).empty());
      CHECK(life[0].waiting_reason == (i == 0 ? "ErrImagePull" : "ImagePullBackOff"));
      CHECK(words(life.tick(999ms)).empty());
      CHECK(words(life.tick(1ms)) == "start 0");
    }
  }

  TEST_CASE("the back-off of a pull names the image that is gone, which may be a volume's") {
    Life life(RestartPolicy::always, 0, 1);
    life.machine = Lifecycle(life.spec, BackoffPolicy{0s, 0s});
    life.up();
    life.feed(event::ConfigFault{0, "refused", 4ns, pull_error, "data:v1"});
    (void)life.tick(1000ms);
    life.feed(event::ConfigFault{0, "refused", 4ns, pull_error, "data:v1"});
    CHECK(life[0].waiting_message == "Back-off pulling image \"data:v1\": ErrImagePull: refused");
  }

  TEST_CASE("a stop ends the waiting for what is gone") {
    Life life(RestartPolicy::always, 0, 1);
    life.up();
    life.started(0);
    life.exited(0, 1);
    life.feed(event::ConfigFault{0, "gone", 4ns});
    CHECK(words(life.stop(9s)) == "tear down");
    CHECK_FALSE(waits_for_missing(life[0]));
    CHECK(life[0].waiting_message.empty());
    CHECK_FALSE(life.machine.next_wake(life.state));
    Life other(RestartPolicy::always, 0, 1);
    other.up();
    other.started(0);
    CHECK(words(other.exited(0, 1)) == "start 0");
    CHECK(words(other.stop(9s)) == "terminate 0");
    CHECK(words(other.feed(event::ConfigFault{0, "gone", 4ns})) == "tear down");
  }
}
