#include "manifest/load.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa;
using manifest::load;
using manifest::LoadResult;

namespace {

const std::string minimal = R"(
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  containers: [{name: c, image: busybox}]
)";

std::string named(const std::string& name) {
  std::string text = minimal;
  return text.replace(text.find("NAME"), 4, name);
}

LoadResult load_text(std::string text) {
  return load({{"x.yaml", std::move(text), "/srv/shop"}});
}

std::string first_error(const LoadResult& result) {
  for (const pod::Diagnostic& d : result.diagnostics) {
    if (d.severity == pod::Severity::error) {
      return std::to_string(d.mark.line) + ":" + std::to_string(d.mark.column) + " " + message(d);
    }
  }
  return "no error";
}

}  // namespace

TEST_SUITE("manifest/unit") {
  TEST_CASE("pods come from documents, lists and several sources, in order") {
    const LoadResult result = load(
        {{"a.yaml", named("one") + "---" + named("two"), "/"},
         {"b.json",
          R"({"apiVersion":"v1","kind":"List","metadata":{},"items":[{"apiVersion":"v1","kind":"Pod",
                   "metadata":{"name":"three"},"spec":{"containers":[{"name":"c","image":"busybox"}]}}]})",
          "/"}});
    REQUIRE(first_error(result) == "no error");
    REQUIRE(result.pods.size() == 3);
    CHECK(result.pods[0].pod.metadata.name == "one");
    CHECK(result.pods[1].pod.metadata.name == "two");
    CHECK(result.pods[2].pod.metadata.name == "three");
    CHECK(result.pods[1].source == 0);
    CHECK(result.pods[2].source == 1);
    CHECK(result.sources.at(1).name == "b.json");
  }

  TEST_CASE("a text without an object is an error, in each source") {
    CHECK(first_error(load_text("")) == "1:1 no objects found");
    CHECK(first_error(load_text("# nothing\n---\n")) == "1:1 no objects found");
    CHECK(load({{"a", "", "/"}, {"b", "", "/"}}).diagnostics.size() == 2);
    CHECK(load({{"a", named("x"), "/"}, {"b", "", "/"}}).pods.empty());
  }

  TEST_CASE("other kinds, versions and shapes are refused by name") {
    CHECK(first_error(load_text("[a]")) ==
          "1:1 Invalid value: an object is a map of fields, not a list");
    CHECK(first_error(load_text("kind: Pod")) == "1:1 apiVersion: Required value");
    CHECK(first_error(load_text("apiVersion: v1")) == "1:1 kind: Required value");
    CHECK(first_error(load_text("apiVersion: v1\nkind: 1")) ==
          "2:7 kind: Invalid value: 1: must be a string");
    CHECK(first_error(load_text("apiVersion: apps/v1\nkind: Pod")) ==
          "1:13 apiVersion: Invalid value: \"apps/v1\": no matches for kind \"Pod\" in version "
          "\"apps/v1\"");
    const LoadResult result = load_text("apiVersion: v1\nkind: Pdo");
    CHECK(first_error(result) ==
          "2:7 kind: Unsupported value: \"Pdo\": supported values: \"ConfigMap\", \"CronJob\", "
          "\"DaemonSet\", \"Deployment\", \"Job\", \"List\", \"Namespace\", "
          "\"NetworkPolicy\", \"PersistentVolume\", \"PersistentVolumeClaim\", \"Pod\", "
          "\"ReplicaSet\", \"Secret\", "
          "\"Service\", "
          "\"StatefulSet\"");
    CHECK(result.diagnostics.at(0).hint == "did you mean \"Pod\"?");
    CHECK(load_text("kind: pod").diagnostics.size() == 2);
  }

  TEST_CASE("kinds of a cluster are left out with a note, and the rest is there") {
    const LoadResult result =
        load_text("apiVersion: v1\nkind: LimitRange\nmetadata: {name: s}\n---" + named("a"));
    CHECK(first_error(result) == "no error");
    CHECK(result.pods.size() == 1);
    REQUIRE(result.diagnostics.size() == 1);
    CHECK(result.diagnostics[0].severity == pod::Severity::note);
    CHECK(result.diagnostics[0].mark.line == 2);
    CHECK(message(result.diagnostics[0]).find("LimitRange is left out") != std::string::npos);
  }

  TEST_CASE("a Deployment becomes its pods, a StatefulSet its claims, too") {
    const std::string pod_template =
        "  selector: {matchLabels: {app: web}}\n"
        "  template:\n"
        "    metadata: {labels: {app: web}}\n"
        "    spec:\n"
        "      volumes: [{name: v, hostPath: {path: data}}]\n"
        "      containers: [{name: c, image: busybox}]\n";
    const LoadResult result = load_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\n"
        "spec:\n  replicas: 2\n" +
        pod_template +
        "---\n"
        "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n"
        "  volumeClaimTemplates:\n  - metadata: {name: data}\n"
        "    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n" +
        pod_template);
    REQUIRE(first_error(result) == "no error");
    REQUIRE(result.pods.size() == 3);
    CHECK(result.pods[1].pod.metadata.name == "web-2");
    CHECK(result.pods[1].pod.metadata.namespace_ == "shop");
    CHECK(result.pods[1].owner == "deployment/web");
    CHECK(result.pods[1].prefix == "spec.template.");
    CHECK(std::get<pod::HostPath>(result.pods[1].pod.spec.volumes.at(0).source).path ==
          "/srv/shop/data");
    CHECK(result.pods[2].pod.metadata.name == "db-0");
    REQUIRE(result.objects.size() == 1);
    CHECK(result.objects[0].object.metadata.name == "data-db-0");
    CHECK(result.workloads.size() == 2);
  }

  TEST_CASE("a pod of a Deployment has a name of its own") {
    const std::string deployment =
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: "
        "{matchLabels: "
        "{app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, "
        "image: "
        "busybox}]}}}\n";
    CHECK(first_error(load_text(named("a-1") + "---\n" + deployment))
              .find("metadata.name: Duplicate value: \"a\": a pod a-1 stands at x.yaml:4:18") !=
          std::string::npos);
    CHECK(first_error(load_text("apiVersion: v1\nkind: Deployment\n"))
              .find("no matches for kind \"Deployment\" in version \"v1\"") != std::string::npos);
  }

  TEST_CASE("findings inside a list say which item") {
    CHECK(first_error(load_text("apiVersion: v1\nkind: List\nitems:\n- {}\n")) ==
          "4:3 items[0].kind: Required value");
    CHECK(first_error(
              load_text("apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: List}\n")) ==
          "4:26 items[0].kind: Unsupported value: \"List\": supported values: \"ConfigMap\", "
          "\"CronJob\", \"DaemonSet\", \"Deployment\", \"Job\", \"Namespace\", "
          "\"NetworkPolicy\", \"PersistentVolume\", \"PersistentVolumeClaim\", \"Pod\", "
          "\"ReplicaSet\", \"Secret\", "
          "\"Service\", "
          "\"StatefulSet\"");
    CHECK(first_error(load_text("apiVersion: v1\nkind: List\nitems: {}\n")) ==
          "3:8 items: Invalid value: must be a list, not a map");
    CHECK(first_error(load_text("apiVersion: v1\nkind: List\nitem: []\nitems: []\n")) ==
          "3:1 unknown field \"item\"");
  }

  TEST_CASE("two pods of one name are an error unless their namespaces differ") {
    CHECK(first_error(load_text(named("a") + "---" + named("a")))
              .starts_with("10:18 metadata.name: Duplicate value: \"a\": a pod of this name and "
                           "namespace stands at x.yaml:4:18"));
    CHECK(first_error(load({{"a.yaml", named("a"), "/"}, {"b.yaml", named("a"), "/"}}))
              .ends_with("stands at a.yaml:4:18"));
    CHECK(load_text(named("a") + "---" + named("a, namespace: ns")).pods.size() == 2);
    CHECK(load_text(named("a") + "---" + named("a, namespace: default")).pods.empty());
  }

  TEST_CASE("one error anywhere leaves no pod to start") {
    const LoadResult result = load_text(named("a") + "---" + named("B"));
    CHECK(pod::has_errors(result.diagnostics));
    CHECK(result.pods.empty());
    CHECK(load_text(named("a") + "  x: 1\n  x: 2\n").pods.empty());
  }

  TEST_CASE("a relative hostPath starts at the manifest's folder") {
    const LoadResult result = load_text(R"(
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers: [{name: c, image: busybox}]
  volumes:
  - {name: a, hostPath: {path: data/x}}
  - {name: b, hostPath: {path: ./y/}}
  - {name: c, hostPath: {path: /etc}}
  - {name: d, hostPath: {path: .}}
)");
    REQUIRE(first_error(result) == "no error");
    REQUIRE(result.pods.size() == 1);
    const auto path = [&](std::size_t i) {
      return std::get<pod::HostPath>(result.pods[0].pod.spec.volumes.at(i).source).path;
    };
    CHECK(path(0) == "/srv/shop/data/x");
    CHECK(path(1) == "/srv/shop/y/");
    CHECK(path(2) == "/etc");
    CHECK(path(3) == "/srv/shop/");
    CHECK(result.pods[0]
              .object.find("spec")
              ->find("volumes")
              ->items[0]
              .find("hostPath")
              ->find("path")
              ->text == "/srv/shop/data/x");
  }

  TEST_CASE("a stored pod gives the same pod again, wherever it is read") {
    const LoadResult first = load_text(R"(
apiVersion: v1
kind: Pod
metadata:
  name: p
  labels: {a: "1", b: "yes"}
  annotations: {pausa/monotonic-offset: -1h, note: "line one\nline two \u00e9\x07"}
spec:
  restartPolicy: OnFailure
  terminationGracePeriodSeconds: 0o17
  volumes:
  - {name: v, hostPath: {path: data}}
  - {name: w, emptyDir: {medium: Memory, sizeLimit: 1.5Mi}}
  containers:
  - name: c
    image: busybox
    command: [sh, -c, "echo \"$(A)\"\n\texit 3\n"]
    env: [{name: A, value: "0644"}]
    resources: {limits: {cpu: 0.5, memory: 67108864}}
    volumeMounts: [{name: v, mountPath: /v, readOnly: yes}]
    ports: [{containerPort: 80.0}]
)");
    REQUIRE(first_error(first) == "no error");
    REQUIRE(first.pods.size() == 1);
    const std::string stored = to_json(first.pods[0].object);
    for (const std::string& text :
         {stored, to_json(first.pods[0].object, 2), to_yaml(first.pods[0].object)}) {
      CAPTURE(text);
      const LoadResult again = load({{"pod.json", text, "/elsewhere"}});
      REQUIRE(first_error(again) == "no error");
      REQUIRE(again.pods.size() == 1);
      CHECK(to_json(again.pods[0].object) == stored);
      const pod::Pod& a = first.pods[0].pod;
      const pod::Pod& b = again.pods[0].pod;
      CHECK(a.metadata.labels == b.metadata.labels);
      CHECK(a.metadata.annotations == b.metadata.annotations);
      CHECK(a.spec.time_offsets.monotonic == b.spec.time_offsets.monotonic);
      CHECK(b.spec.termination_grace_period.count() == 15);
      CHECK(std::get<pod::HostPath>(b.spec.volumes.at(0).source).path == "/srv/shop/data");
      CHECK(std::get<pod::EmptyDir>(b.spec.volumes.at(1).source).size_limit_bytes == 3 << 19);
      CHECK(a.spec.containers.at(0).command == b.spec.containers.at(0).command);
      CHECK(b.spec.containers.at(0).env.at(0).value == "0644");
      CHECK(b.spec.containers.at(0).resources.limit_cpu_milli == 500);
      CHECK(b.spec.containers.at(0).resources.request_memory_bytes == 64 << 20);
      CHECK(b.spec.containers.at(0).ports.at(0).container_port == 80);
      CHECK(b.spec.containers.at(0).volume_mounts.at(0).read_only);
    }
  }

  TEST_CASE("findings are in the order of the text") {
    const LoadResult result = load_text(R"(
apiVersion: v1
kind: Pod
metadata: {name: P}
spec:
  hostname: a.b
  containers: [{name: c, image: busybox, image: x}]
  restartPolicy: yes
)");
    std::uint32_t line = 0;
    for (const pod::Diagnostic& d : result.diagnostics) {
      CHECK(d.mark.line >= line);
      CHECK(d.file == "x.yaml");
      line = d.mark.line;
    }
    CHECK(result.diagnostics.size() >= 5);
  }
}
