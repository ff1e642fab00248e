#include "pod/workload.hpp"

#include "pod/index_set.hpp"
#include "pod/schedule.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

// A workload whose template has the labels that its selector wants; more: fields of its spec.
Node workload(const std::string& kind, const std::string& more = "") {
  return test::read_json(R"({"apiVersion":"apps/v1","kind":")" + kind +
                         R"(","metadata":{"name":"web","namespace":"shop"},"spec":{)" + more +
                         R"("selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"labels":{"app":"web"},"annotations":{"note":"x"}},
        "spec":{"containers":[{"name":"c","image":"busybox",
                               "ports":[{"containerPort":80,"hostPort":80}]}]}}}})");
}

std::string name_of(const Node& pod) {
  return pod.find("metadata")->find("name")->text;
}

std::string names_of(const std::vector<Node>& pods) {
  std::string names;
  for (const Node& pod : pods) names += (names.empty() ? "" : " ") + name_of(pod);
  return names;
}

std::string first_error(const Diagnostics& findings) {
  for (const Diagnostic& finding : findings)
    if (finding.severity == Severity::error) return message(finding);
  return "none";
}

std::vector<Node> pods(const Node& object, WorkloadKind kind) {
  return pods_of(object, decode_workload(object, kind));
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("a Deployment is as many pods as it has replicas, one when it does not say") {
    CHECK(names_of(pods(workload("Deployment", R"("replicas":3,)"), WorkloadKind::deployment)) ==
          "web-1 web-2 web-3");
    CHECK(names_of(pods(workload("ReplicaSet"), WorkloadKind::replica_set)) == "web-1");
    CHECK(names_of(pods(workload("Deployment", R"("replicas":0,)"), WorkloadKind::deployment))
              .empty());
    CHECK(names_of(pods(workload("DaemonSet"), WorkloadKind::daemon_set)) == "web-1");
  }

  TEST_CASE("its pods have the template's labels, annotations and spec, and name their owner") {
    const Node object = workload("Deployment");
    const auto made = pods(object, WorkloadKind::deployment);
    REQUIRE(made.size() == 1);
    const Node& metadata = *made[0].find("metadata");
    CHECK(to_json(*metadata.find("labels")) == R"({"app":"web"})");
    CHECK(to_json(*metadata.find("annotations")) == R"({"note":"x"})");
    CHECK(metadata.find("namespace")->text == "shop");
    CHECK(*made[0].find("spec") == *object.find("spec")->find("template")->find("spec"));
    CHECK(owner_in(to_json(made[0])) == "deployment/web");
    CHECK(owner_in(R"({"metadata":{"name":"x"},"spec":{}})").empty());
    CHECK(
        owner_in(R"({"metadata":{"annotations":{"a":"\"ownerReferences\":[{\"apiVersion\":\""}}})")
            .empty());
  }

  TEST_CASE("the first pod alone has the ports of the host") {
    const auto made = pods(workload("Deployment", R"("replicas":2,)"), WorkloadKind::deployment);
    CHECK(to_json(made.at(0)).find("hostPort") != std::string::npos);
    CHECK(to_json(made.at(1)).find("hostPort") == std::string::npos);
    CHECK(to_json(made.at(1)).find(R"("containerPort":80)") != std::string::npos);
  }

  TEST_CASE("the pods of a StatefulSet have ordinals, names for their claims, and its labels") {
    const Node object = workload("StatefulSet", R"("replicas":2,"ordinals":{"start":5},
      "serviceName":"svc","volumeClaimTemplates":[{"metadata":{"name":"data","labels":{"a":"b"}},
        "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}}}],)");
    const Workload set = decode_workload(object, WorkloadKind::stateful_set);
    CHECK(set.in_order);
    const auto made = pods_of(object, set);
    CHECK(names_of(made) == "web-5 web-6");
    const Node& labels = *made[1].find("metadata")->find("labels");
    CHECK(labels.find("statefulset.kubernetes.io/pod-name")->text == "web-6");
    CHECK(labels.find("apps.kubernetes.io/pod-index")->text == "6");
    CHECK(made[1].find("spec")->find("subdomain")->text == "svc");
    CHECK(to_json(*made[1].find("spec")->find("volumes")) ==
          R"([{"name":"data","persistentVolumeClaim":{"claimName":"data-web-6"}}])");
    const auto claims = claims_of(object, set);
    CHECK(names_of(claims) == "data-web-5 data-web-6");
    CHECK(claims[0].find("kind")->text == "PersistentVolumeClaim");
    CHECK(claims[0].find("metadata")->find("labels")->find("a")->text == "b");
    CHECK_FALSE(decode_workload(workload("StatefulSet", R"("podManagementPolicy":"Parallel",)"),
                                WorkloadKind::stateful_set)
                    .in_order);
  }

  TEST_CASE("the rules for workloads are Kubernetes', with its paths and words") {
    const auto judge = [](const std::string& kind, const std::string& more) {
      return first_error(validate_workload(workload(kind, more), *workload_kind(kind)));
    };
    CHECK(judge("Deployment", "") == "none");
    CHECK(judge("Deployment", R"("replicas":-1,)") ==
          "spec.replicas: Invalid value: -1: must be greater than or equal to 0");
    CHECK(judge("Deployment", R"("strategy":{"type":"Recreate","rollingUpdate":{}},)") ==
          "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
          "'Recreate'");
    CHECK(judge("Deployment",
                R"("strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":"0%"}},)") ==
          "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": may not be 0 when "
          "`maxSurge` is 0");
    CHECK(judge("StatefulSet", R"("podManagementPolicy":"Ordered",)") ==
          "spec.podManagementPolicy: Invalid value: \"Ordered\": must be 'OrderedReady' or "
          "'Parallel'");
    CHECK(judge("DaemonSet", R"("updateStrategy":{"type":"Recreate"},)") ==
          "spec.updateStrategy.type: Unsupported value: \"Recreate\": supported values: "
          "\"RollingUpdate\", \"OnDelete\"");
    CHECK(judge("Deployment", R"("relicas":2,)") == "unknown field \"spec.relicas\"");
    CHECK(judge("Deployment", R"("replicas":1001,)") ==
          "spec.replicas: Invalid value: 1001: must be at most 1000 on one machine");
  }

  TEST_CASE("the selector must be there, say something, and match the template") {
    const auto judge = [](const std::string& selector) {
      Node object = workload("Deployment");
      object.set("spec").set("selector", test::read_json(selector));
      return first_error(validate_workload(object, WorkloadKind::deployment));
    };
    CHECK(judge("null") == "spec.selector: Required value");
    CHECK(judge("{}") == "spec.selector: Invalid value: empty selector is invalid for deployment");
    CHECK(judge(R"({"matchLabels":{"app":"api"}})") ==
          "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not "
          "match template `labels`");
    CHECK(judge(R"({"matchExpressions":[{"key":"app","operator":"In","values":["web"]}]})") ==
          "none");
    CHECK(judge(R"({"matchExpressions":[{"key":"app","operator":"DoesNotExist"}]})") ==
          "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not "
          "match template `labels`");
  }

  TEST_CASE("the pod of a template is judged as a Pod, at its place") {
    Node object = workload("Deployment");
    Node& spec = object.set("spec").set("template").set("spec");
    spec.set("restartPolicy", Node::make_string("Never"));
    spec.set("containers").items[0].set("imagee", Node::make_string("x"));
    spec.set("replicas", Node::make_integer(2));
    const auto findings = validate_workload(object, WorkloadKind::deployment);
    std::string all;
    for (const Diagnostic& finding : findings) all += message(finding) + " " + finding.hint + "\n";
    CHECK(all.find("unknown field \"spec.template.spec.containers[0].imagee\" did you mean "
                   "\"image\"?") != std::string::npos);
    CHECK(all.find("unknown field \"spec.template.spec.replicas\" \"replicas\" belongs under spec "
                   "of the Deployment") != std::string::npos);
    CHECK(all.find("spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported "
                   "values: \"Always\"") != std::string::npos);
  }

  TEST_CASE("the rules for Jobs and CronJobs are Kubernetes', with its paths and words") {
    const auto judge = [](const std::string& more, const std::string& policy = "Never") {
      const Node object = test::read_json(
          R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"sum"},"spec":{)" + more +
          R"("template":{"spec":{"restartPolicy":")" + policy +
          R"(","containers":[{"name":"c","image":"busybox"}]}}}})");
      return first_error(validate_workload(object, WorkloadKind::job));
    };
    CHECK(judge("") == "none");
    CHECK(judge("", "Always") ==
          "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", "
          "\"Never\"");
    CHECK(judge(R"("completionMode":"Indexed",)") ==
          "spec.completions: Required value: when completion mode is Indexed");
    CHECK(judge(R"("backoffLimitPerIndex":1,)") ==
          "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode");
    CHECK(judge(R"("selector":{"matchLabels":{"a":"b"}},)").find("`selector` not auto-generated") !=
          std::string::npos);
    CHECK(judge(R"("podFailurePolicy":{"rules":[{"action":"FailJob",
                    "onExitCodes":{"operator":"In","values":[0]}}]},)") ==
          "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 "
          "for the In operator");
    CHECK(judge(R"("podFailurePolicy":{"rules":[]},)", "OnFailure") ==
          "spec.template.spec.restartPolicy: Invalid value: \"OnFailure\": only \"Never\" is "
          "supported when podFailurePolicy is specified");
    CHECK(judge(R"("completions":4,"completionMode":"Indexed",
                   "successPolicy":{"rules":[{"succeededIndexes":"0,2-4"}]},)")
              .find("spec.successPolicy.rules[0].succeededIndexes: Invalid value: \"0,2-4\"") == 0);
    const Node cron = test::read_json(
        R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"nightly"},"spec":{
        "schedule":"61 * * * *","jobTemplate":{"spec":{"template":{"spec":{
          "containers":[{"name":"c","image":"busybox"}]}}}}}})");
    const auto findings = validate_workload(cron, WorkloadKind::cron_job);
    std::string all;
    for (const Diagnostic& finding : findings) all += message(finding) + "\n";
    CHECK(all.find("spec.schedule: Invalid value: \"61 * * * *\"") != std::string::npos);
    CHECK(all.find("spec.jobTemplate.spec.template.spec.restartPolicy: Required value") !=
          std::string::npos);
  }

  TEST_CASE("schedules are read as cron does") {
    for (const char* good :
         {"* * * * *", "*/5 0-6,22 1,15 jan-MAR sun", "0 3 ? * 1-5", "@hourly", "@every 1h30m"})
      CHECK(schedule_fault(good).empty());
    for (const char* bad : {"", "* * * *", "60 * * * *", "* * 0 * *", "5-1 * * * *", "*/0 * * * *",
                            "@often", "@every x", "a * * * *"})
      CHECK_FALSE(schedule_fault(bad).empty());
  }

  TEST_CASE("sets of indexes are read and written as Kubernetes does") {
    using Set = std::vector<std::int64_t>;
    CHECK(parse_indexes("0,2-4", 5) == Set{0, 2, 3, 4});
    CHECK(parse_indexes("", 5) == Set{});
    for (const char* bad : {"5", "3-1", "1,1", "a", "1,", "-1", "2,1"})
      CHECK_FALSE(parse_indexes(bad, 5));
    CHECK(indexes_text({0, 2, 3, 4, 6, 7}) == "0,2-4,6-7");
    CHECK(indexes_text({}).empty());
  }
}
