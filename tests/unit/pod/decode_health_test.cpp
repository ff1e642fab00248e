#include "pod/decode.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using namespace std::chrono_literals;

namespace {

Container decode_container(const std::string& fields) {
  Diagnostics findings;
  const Pod pod = decode_pod(
      pausa::test::read_json(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c",)" +
                             fields + "}]}}"),
      findings);
  REQUIRE(findings.empty());
  REQUIRE(pod.spec.containers.size() == 1);
  return pod.spec.containers.front();
}

}  // namespace

TEST_SUITE("pod/decode_health") {
  TEST_CASE("a probe has Kubernetes' defaults, and 0 means them too") {
    for (const char* times :
         {"",
          R"(,"periodSeconds":0,"timeoutSeconds":0,"successThreshold":0,"failureThreshold":0)"}) {
      const auto container = decode_container(R"("livenessProbe":{"tcpSocket":{"port":80})" +
                                              std::string(times) + "}");
      const auto& probe = container.health.probe(ProbeKind::liveness);
      REQUIRE(probe);
      CHECK(probe->initial_delay == 0s);
      CHECK(probe->period == 10s);
      CHECK(probe->timeout == 1s);
      CHECK(probe->success_threshold == 1);
      CHECK(probe->failure_threshold == 3);
      CHECK_FALSE(probe->grace_period);
      CHECK(std::get<TcpCheck>(probe->check).port.number == 80);
    }
  }

  TEST_CASE("what a probe says arrives") {
    const auto container = decode_container(R"("readinessProbe":{"httpGet":{"host":"::1",
        "port":"web","path":"x","scheme":"HTTPS","httpHeaders":[{"name":"A","value":"1"}]},
        "initialDelaySeconds":1,"periodSeconds":2,"timeoutSeconds":3,"successThreshold":4,
        "failureThreshold":5},"startupProbe":{"grpc":{"port":9,"service":"s"},
        "terminationGracePeriodSeconds":7},"livenessProbe":{"exec":{"command":["a","b"]}})");
    const auto& ready = container.health.probe(ProbeKind::readiness);
    REQUIRE(ready);
    const auto& http = std::get<HttpCheck>(ready->check);
    CHECK(http.host == "::1");
    CHECK(http.port.name == "web");
    CHECK(http.path == "/x");
    CHECK(http.https);
    CHECK(http.headers.front().second == "1");
    CHECK(ready->initial_delay == 1s);
    CHECK(ready->period == 2s);
    CHECK(ready->timeout == 3s);
    CHECK(ready->success_threshold == 4);
    CHECK(ready->failure_threshold == 5);
    const auto& startup = container.health.probe(ProbeKind::startup);
    REQUIRE(startup);
    CHECK(std::get<GrpcCheck>(startup->check).port == 9);
    CHECK(std::get<GrpcCheck>(startup->check).service == "s");
    CHECK(startup->grace_period == 7s);
    const auto& live = container.health.probe(ProbeKind::liveness);
    CHECK(std::get<ExecCheck>(live->check).command == std::vector<std::string>{"a", "b"});
  }

  TEST_CASE("hooks, the stop signal and the termination message arrive") {
    const auto container = decode_container(R"("lifecycle":{"postStart":{"sleep":{"seconds":3}},
        "preStop":{"httpGet":{"port":80}},"stopSignal":"SIGUSR1"},
        "terminationMessagePath":"/tmp/end","terminationMessagePolicy":"FallbackToLogsOnError")");
    CHECK(std::get<Sleep>(*container.health.post_start).time == 3s);
    CHECK(std::get<HttpCheck>(*container.health.pre_stop).path == "/");
    CHECK(container.health.stop_signal == "SIGUSR1");
    CHECK(container.termination_message_path == "/tmp/end");
    CHECK(container.message_from_logs);
    CHECK(decode_container(R"("image":"i")").termination_message_path == "/dev/termination-log");
  }

  TEST_CASE("restart rules fit exit codes") {
    const auto container = decode_container(R"("restartPolicy":"Never","restartPolicyRules":[
        {"action":"RestartAllContainers","exitCodes":{"operator":"In","values":[3,88]}},
        {"action":"Restart","exitCodes":{"operator":"NotIn","values":[0]}}])");
    CHECK(container.restart == ContainerRestart::never);
    REQUIRE(container.restart_rules.size() == 2);
    CHECK(container.restart_rules[0].all);
    CHECK(container.restart_rules[0].fits(88));
    CHECK_FALSE(container.restart_rules[0].fits(1));
    CHECK_FALSE(container.restart_rules[1].all);
    CHECK(container.restart_rules[1].fits(1));
    CHECK_FALSE(container.restart_rules[1].fits(0));
  }

  TEST_CASE("what the pod says of its life arrives") {
    Diagnostics findings;
    const Pod pod = decode_pod(
        pausa::test::read_json(R"({"metadata":{"name":"p"},"spec":{"activeDeadlineSeconds":5,
            "readinessGates":[{"conditionType":"example.org/fed"}],
            "resources":{"limits":{"cpu":"2"}}}})"),
        findings);
    CHECK(pod.spec.active_deadline == 5s);
    CHECK(pod.spec.readiness_gates == std::vector<std::string>{"example.org/fed"});
    CHECK(pod.spec.resources.limit_cpu_milli == 2000);
  }
}
