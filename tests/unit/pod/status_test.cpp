#include "pod/status.hpp"

#include "pod/qos.hpp"
#include "pod/short_status.hpp"
#include "pod/time_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace pausa::pod;
using namespace std::chrono_literals;
using Stage = ContainerState::Stage;

namespace {

constexpr WallTime noon = std::chrono::seconds(1'772'366'400);  // 2026-03-01T12:00:00Z

Pod pod_of(std::size_t inits, std::size_t members) {
  Pod pod;
  pod.metadata.name = "shop";
  const auto make = [](const char* prefix, std::size_t i) {
    Container container;
    container.name = prefix + std::to_string(i);
    container.image = "busybox";
    return container;
  };
  for (std::size_t i = 0; i < inits; ++i) pod.spec.init_containers.push_back(make("init", i));
  for (std::size_t i = 0; i < members; ++i) pod.spec.containers.push_back(make("c", i));
  return pod;
}

ContainerState running(WallTime since) {
  ContainerState state;
  state.stage = Stage::running;
  state.started = since;
  state.launches = 1;
  state.waiting_reason.clear();
  state.up = state.ready = true;
  state.ready_since = since;
  return state;
}

ContainerState ended(int code, const char* reason, WallTime at, int signal = 0) {
  ContainerState state = running(at - 5s);
  state.stage = Stage::terminated;
  state.terminated = Termination{code, signal, reason, {}, at - 5s, at};
  return state;
}

PodState live(std::vector<ContainerState> containers) {
  PodState state;
  state.containers = std::move(containers);
  state.phase = Phase::running;
  state.sandbox = true;
  state.sandbox_ready = noon + 1s;
  state.initialized = noon + 2s;
  return state;
}

Identity identity() {
  return {"0123", noon, "box", {"192.0.2.1"}, {"10.0.0.2"}, {"busybox 1.35"}};
}

const Node& at(const Node& node, std::initializer_list<const char*> path) {
  const Node* here = &node;
  for (const char* key : path) {
    here = here->find(key);
    REQUIRE_MESSAGE(here != nullptr, key);
  }
  return *here;
}

const Node& condition(const Node& status, const std::string& type) {
  const auto& list = at(status, {"conditions"}).items;
  const auto found = std::find_if(
      list.begin(), list.end(), [&](const Node& node) { return node.find("type")->text == type; });
  REQUIRE(found != list.end());
  return *found;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("a pod whose members run is ready, and says since when") {
    const auto state = live({running(noon + 3s), running(noon + 4s)});
    const Node status = pod_status(pod_of(0, 2), state, identity());
    CHECK(at(status, {"phase"}).text == "Running");
    CHECK(at(status, {"startTime"}).text == "2026-03-01T12:00:00Z");
    CHECK(at(status, {"podIP"}).text == "10.0.0.2");
    CHECK(at(status, {"hostIP"}).text == "192.0.2.1");
    for (const char* type :
         {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"})
      CHECK(condition(status, type).find("status")->text == "True");
    CHECK(condition(status, "Ready").find("lastTransitionTime")->text == "2026-03-01T12:00:04Z");
    CHECK(condition(status, "Initialized").find("lastTransitionTime")->text ==
          "2026-03-01T12:00:02Z");
    const Node& first = at(status, {"containerStatuses"}).items.at(0);
    CHECK(first.find("ready")->boolean);
    CHECK(first.find("started")->boolean);
    CHECK(first.find("imageID")->text == "busybox 1.35");
    CHECK(first.find("containerID")->text == "pausa://0123/c0/0");
    CHECK(at(first, {"state", "running", "startedAt"}).text == "2026-03-01T12:00:03Z");
    CHECK(at(first, {"lastState"}).entries.empty());
    CHECK(status.find("initContainerStatuses") == nullptr);
    CHECK(status.find("reason") == nullptr);
  }

  TEST_CASE("a member in its back-off shows the instance that ended") {
    ContainerState crashed;
    crashed.stage = Stage::waiting;
    crashed.waiting_reason = "CrashLoopBackOff";
    crashed.waiting_message = "back-off 20000ms restarting failed container";
    crashed.launches = 3;
    crashed.restart_count = 2;
    crashed.last = Termination{137, 9, "OOMKilled", {}, noon, noon + 8s};
    const Node status = pod_status(pod_of(0, 2), live({running(noon), crashed}), identity());
    const Node& second = at(status, {"containerStatuses"}).items.at(1);
    CHECK(at(second, {"state", "waiting", "reason"}).text == "CrashLoopBackOff");
    const Node& last = at(second, {"lastState", "terminated"});
    CHECK(last.find("exitCode")->integer == 137);
    CHECK(last.find("signal")->integer == 9);
    CHECK(last.find("reason")->text == "OOMKilled");
    CHECK(last.find("containerID")->text == "pausa://0123/c1/2");
    CHECK(second.find("restartCount")->integer == 2);
    CHECK_FALSE(second.find("ready")->boolean);
    const Node& not_ready = condition(status, "Ready");
    CHECK(not_ready.find("status")->text == "False");
    CHECK(not_ready.find("reason")->text == "ContainersNotReady");
    CHECK(not_ready.find("message")->text == "containers with unready status: [c1]");
    CHECK(not_ready.find("lastTransitionTime")->text == "2026-03-01T12:00:08Z");
  }

  TEST_CASE("a restarted member's last state names the instance before") {
    auto again = running(noon + 20s);
    again.launches = 2;
    again.last = Termination{1, 0, "Error", "why", noon, noon + 8s};
    const Node status = pod_status(pod_of(0, 1), live({again}), identity());
    const Node& member = at(status, {"containerStatuses"}).items.at(0);
    CHECK(member.find("containerID")->text == "pausa://0123/c0/1");
    CHECK(at(member, {"lastState", "terminated", "containerID"}).text == "pausa://0123/c0/0");
    CHECK(at(member, {"lastState", "terminated", "message"}).text == "why");
  }

  TEST_CASE("a pod that succeeded is initialized, and not ready because it completed") {
    auto state = live({ended(0, "Completed", noon + 9s), ended(0, "Completed", noon + 30s)});
    state.phase = Phase::succeeded;
    state.finished = true;
    state.sandbox = false;
    const Node status = pod_status(pod_of(1, 1), state, identity());
    CHECK(at(status, {"phase"}).text == "Succeeded");
    CHECK(condition(status, "Ready").find("status")->text == "False");
    CHECK(condition(status, "Ready").find("reason")->text == "PodCompleted");
    CHECK(condition(status, "Ready").find("lastTransitionTime")->text == "2026-03-01T12:00:30Z");
    CHECK(condition(status, "Initialized").find("status")->text == "True");
    CHECK(condition(status, "PodReadyToStartContainers").find("status")->text == "False");
    CHECK(at(status, {"initContainerStatuses"}).items.at(0).find("ready")->boolean);
    CHECK_FALSE(at(status, {"containerStatuses"}).items.at(0).find("ready")->boolean);
    CHECK(status.find("podIP") == nullptr);
  }

  TEST_CASE("a pod that waits for its init containers names those that are not done") {
    PodState state = live({ended(0, "Completed", noon), running(noon), ContainerState{}});
    state.phase = Phase::pending;
    state.initialized.reset();
    const Node status = pod_status(pod_of(2, 1), state, identity());
    const Node& initialized = condition(status, "Initialized");
    CHECK(initialized.find("status")->text == "False");
    CHECK(initialized.find("message")->text == "containers with incomplete status: [init1]");
    CHECK(at(at(status, {"containerStatuses"}).items.at(0), {"state", "waiting", "reason"}).text ==
          "PodInitializing");
    CHECK(at(status, {"containerStatuses"}).items.at(0).find("containerID") == nullptr);
    CHECK(short_status(state, 2) == "Init:1/2");
  }

  TEST_CASE("the object keeps what the manifest says and gains what the system knows") {
    Node given = Node::make_map();
    given.set("apiVersion", Node::make_string("v1"));
    given.set("kind", Node::make_string("Pod"));
    given.set("metadata").set("name", Node::make_string("shop"));
    given.set("metadata").set("labels").set("tier", Node::make_string("front"));
    given.set("metadata").set("uid", Node::make_string("made up"));
    given.set("spec").set("restartPolicy", Node::make_string("Never"));
    given.set("status").set("phase", Node::make_string("made up"));
    const Node object = pod_object(given, pod_of(0, 1), live({running(noon)}), identity());
    CHECK(at(object, {"metadata", "uid"}).text == "0123");
    CHECK(at(object, {"metadata", "namespace"}).text == "default");
    CHECK(at(object, {"metadata", "creationTimestamp"}).text == "2026-03-01T12:00:00Z");
    CHECK(at(object, {"metadata", "labels", "tier"}).text == "front");
    CHECK(at(object, {"spec", "restartPolicy"}).text == "Never");
    CHECK(at(object, {"spec", "nodeName"}).text == "box");
    CHECK(at(object, {"status", "phase"}).text == "Running");
  }

  TEST_CASE("the class of service follows requests and limits of all containers") {
    Pod pod = pod_of(0, 2);
    CHECK(qos_class(pod.spec) == "BestEffort");
    pod.spec.containers[0].resources.request_cpu_milli = 100;
    CHECK(qos_class(pod.spec) == "Burstable");
    for (auto& container : pod.spec.containers) {
      container.resources = {};
      container.resources.limit_cpu_milli = 100;
      container.resources.limit_memory_bytes = 1 << 20;
    }
    CHECK(qos_class(pod.spec) == "Guaranteed");
    pod.spec.containers[1].resources.request_memory_bytes = 1 << 19;
    CHECK(qos_class(pod.spec) == "Burstable");
  }

  TEST_CASE("the short status is kubectl's word") {
    CHECK(short_status(live({running(noon)}), 0) == "Running");
    CHECK(short_status(live({ended(0, "Completed", noon), running(noon)}), 0) == "NotReady");
    CHECK(short_status(live({ended(1, "Error", noon), running(noon)}), 0) == "Error");
    CHECK(short_status(live({ended(137, "OOMKilled", noon, 9)}), 0) == "OOMKilled");
    CHECK(short_status(live({ended(2, "Error", noon), ContainerState{}}), 1) == "Init:Error");
    CHECK(short_status(live({ended(3, "", noon)}), 0) == "ExitCode:3");

    auto done = live({ended(0, "Completed", noon)});
    done.phase = Phase::succeeded;
    done.finished = true;
    CHECK(short_status(done, 0) == "Completed");

    auto stopping = live({running(noon)});
    stopping.stopping = true;
    stopping.kill_at = Time{5};
    CHECK(short_status(stopping, 0) == "Terminating");

    PodState fresh;
    fresh.containers.resize(1);
    fresh.containers[0].waiting_reason = "ContainerCreating";
    CHECK(short_status(fresh, 0) == "ContainerCreating");

    auto crashed = live({running(noon), ContainerState{}});
    crashed.containers[1].waiting_reason = "CrashLoopBackOff";
    CHECK(short_status(crashed, 0) == "CrashLoopBackOff");
    CHECK(ready_count(crashed, 0).ready == 1);
  }

  TEST_CASE("restarts are counted over all containers") {
    auto state = live({running(noon), running(noon)});
    state.containers[0].restart_count = 2;
    state.containers[0].last = Termination{1, 0, "Error", {}, noon, noon + 7s};
    state.containers[1].restart_count = 1;
    state.containers[1].last = Termination{1, 0, "Error", {}, noon, noon + 3s};
    CHECK(restarts(state).count == 3);
    CHECK(restarts(state).last == noon + 7s);
  }

  TEST_CASE("an age gets coarser as it grows") {
    CHECK(age_text(-5s) == "0s");
    CHECK(age_text(119s) == "119s");
    CHECK(age_text(120s) == "2m");
    CHECK(age_text(200s) == "3m20s");
    CHECK(age_text(10min) == "10m");
    CHECK(age_text(179min) == "179m");
    CHECK(age_text(3h + 5min) == "3h5m");
    CHECK(age_text(26h) == "26h");
    CHECK(age_text(50h) == "2d2h");
    CHECK(age_text(24h * 12) == "12d");
    CHECK(age_text(24h * (2 * 365 + 30)) == "2y30d");
  }

  TEST_CASE("sidecars count for READY, not for the phase; a gate can keep the pod from it") {
    auto pod = pod_of(1, 1);
    auto sidecar = running(noon + 1s);
    sidecar.sidecar = true;
    auto state = live({sidecar, running(noon + 2s)});
    CHECK(ready_count(state, 1).all == 2);
    CHECK(ready_count(state, 1).ready == 2);
    CHECK(pod_is_ready(pod, state));
    state.containers[0].ready = false;
    state.containers[0].ready_since = noon + 9s;
    Node status = pod_status(pod, state, identity());
    CHECK(condition(status, "Ready").find("message")->text ==
          "containers with unready status: [init0]");
    CHECK(condition(status, "Ready").find("lastTransitionTime")->text == "2026-03-01T12:00:09Z");
    state.containers[0].ready = true;
    pod.spec.readiness_gates.push_back("example.org/fed");
    status = pod_status(pod, state, identity());
    CHECK(condition(status, "ContainersReady").find("status")->text == "True");
    CHECK(condition(status, "Ready").find("reason")->text == "ReadinessGatesNotReady");
    state.gates.push_back({"example.org/fed", true, noon + 20s});
    status = pod_status(pod, state, identity());
    CHECK(condition(status, "Ready").find("status")->text == "True");
    CHECK(condition(status, "Ready").find("lastTransitionTime")->text == "2026-03-01T12:00:20Z");
    CHECK(condition(status, "example.org/fed").find("status")->text == "True");
  }

  TEST_CASE("a container whose postStart hook runs is not running yet") {
    auto container = running(noon);
    container.hook = HookKind::post_start;
    container.up = container.ready = false;
    const auto state = live({container});
    const Node status = pod_status(pod_of(0, 1), state, identity());
    const Node& member = at(status, {"containerStatuses"}).items.at(0);
    CHECK(at(member, {"state", "waiting", "reason"}).text == "ContainerCreating");
    CHECK_FALSE(member.find("started")->boolean);
    CHECK(short_status(state, 0) == "ContainerCreating");
  }
}
