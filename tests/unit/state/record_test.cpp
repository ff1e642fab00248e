#include "state/record.hpp"

#include "sys/error.hpp"

#include <doctest/doctest.h>

using namespace pausa;
using namespace std::chrono_literals;

namespace {

state::Record sample() {
  state::Record record;
  record.key = {"shop", "web"};
  record.uid = "6fa0";
  record.boot_id = "boot";
  record.created_ns = 17;
  record.desired = state::Desired::stopped;
  record.cgroup = "pausa/6fa0";
  record.network = {
      state::NetworkRecord::Mode::bridge, "pausa0", "pausa6fa0", 7, "10.86.0.7", "fd00::7"};
  record.backoff.initial = 5ns;
  record.infra = {41, 4100};
  record.supervisor = {40, 4000};
  record.namespaces[1] = 4026531840;
  record.state.phase = pod::Phase::running;
  record.state.message = "line\nwith \"quotes\" and \x01";
  record.state.kill_at = 12s;
  state::ContainerRecord entry;
  entry.name = "api";
  entry.process = {50, 5000};
  entry.pod_pid = 3;
  entry.slot = 2;
  entry.generation = 9;
  record.containers.push_back(entry);
  pod::ContainerState state;
  state.stage = pod::ContainerState::Stage::waiting;
  state.restart_count = 4;
  state.launches = 5;
  state.last = pod::Termination{137, 9, "OOMKilled", "", 1ns, 2ns};
  state.backoff.next = 20s;
  state.restart_at = 99s;
  record.state.containers.push_back(state);
  entry.name = "mesh";
  record.containers.push_back(entry);
  pod::ContainerState sidecar;
  sidecar.stage = pod::ContainerState::Stage::running;
  sidecar.sidecar = sidecar.up = sidecar.ready = true;
  sidecar.ready_since = 7ns;
  sidecar.ending = pod::ContainerState::Ending::pre_stop;
  sidecar.hook = pod::HookKind::pre_stop;
  sidecar.probes[2] = {true, true, 2, 400ms};
  record.state.containers.push_back(sidecar);
  record.state.deadline = 70s;
  record.state.gates.push_back({"example.org/fed", true, 8ns});
  record.exact_probes = true;
  return record;
}

}  // namespace

TEST_SUITE("state/record") {
  TEST_CASE("a record comes back from its text as it was") {
    const auto before = sample();
    const auto after = state::record_from_json(state::to_json(before));
    // The text holds every field, so equal texts mean equal records.
    CHECK(state::to_json(after) == state::to_json(before));
    CHECK(after.key == before.key);
    CHECK(after.infra == before.infra);
    CHECK(after.state.message == before.state.message);
    CHECK(after.state.containers[0].last->reason == "OOMKilled");
    CHECK(after.state.containers[0].restart_at == 99s);
    CHECK_FALSE(after.state.containers[0].terminated);
    const auto& sidecar = after.state.containers[1];
    CHECK(sidecar.sidecar);
    CHECK(sidecar.up);
    CHECK(sidecar.ready);
    CHECK(sidecar.ending == pod::ContainerState::Ending::pre_stop);
    CHECK(sidecar.hook == pod::HookKind::pre_stop);
    CHECK(sidecar.probes[2].row == 2);
    CHECK(sidecar.probes[2].fast == 400ms);
    CHECK(after.state.deadline == 70s);
    CHECK(after.state.gates.at(0).type == "example.org/fed");
    CHECK(after.exact_probes);
  }

  TEST_CASE("a record does not tell what is as it begins") {
    const std::string text = state::to_json(sample());
    for (const char* absent : {"null", "userNamespace", "terminated", "startupProbe"})
      CHECK_MESSAGE(text.find(absent) == std::string::npos, absent);
    CHECK(text.find("\"waitingReason\":\"PodInitializing\"") != std::string::npos);
  }

  TEST_CASE("a record is read whatever the order of its fields, nulls are nothing") {
    const auto record = state::record_from_json(
        R"({"state":{"killAt":null,"containers":[{"up":true,"stage":2,"later":[]}],"phase":1},)"
        R"("containers":[{"image":"i","name":"api"}],"name":"web","namespace":"shop",)"
        R"("uid":"6fa0","version":1})");
    CHECK(record.key == state::PodKey{"shop", "web"});
    CHECK(record.state.phase == pod::Phase::running);
    CHECK_FALSE(record.state.kill_at);
    CHECK(record.containers.at(0).name == "api");
    CHECK(record.containers.at(0).image == "i");
    const auto& state = record.state.containers.at(0);
    CHECK(state.up);
    CHECK(state.stage == pod::ContainerState::Stage::running);
    CHECK(state.waiting_reason.empty());
  }

  TEST_CASE("a record of an unknown version is refused, and says so") {
    std::string text = state::to_json(sample());
    text.replace(text.find("\"version\":1"), 11, "\"version\":7");
    CHECK_THROWS_WITH_AS((void)state::record_from_json(text),
                         "the record has version 7, this pausa knows version 1", sys::Error);
  }

  TEST_CASE("a damaged record is refused") {
    const std::string whole = state::to_json(sample());
    for (const std::string& text : {std::string(), std::string("{}"),
                                    whole.substr(0, whole.size() / 2), std::string("[1,2]")})
      CHECK_THROWS_AS((void)state::record_from_json(text), sys::Error);
    CHECK_THROWS_AS((void)state::record_from_json(R"({"version":1})"), sys::Error);
    CHECK_THROWS_WITH_AS(
        (void)state::record_from_json(
            R"({"version":1,"namespace":"n","name":"p","uid":"u","containers":[{"name":"a"}]})"),
        "the record is damaged: it tells the state of 0 of 1 containers", sys::Error);
    std::string odd = whole;
    odd.replace(odd.find("\"desired\":1"), 11, "\"desired\":8");
    CHECK_THROWS_AS((void)state::record_from_json(odd), sys::Error);
  }
}
