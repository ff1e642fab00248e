#include "pod/validate.hpp"

#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

std::string in_pod(const std::string& metadata, const std::string& spec) {
  return R"({"apiVersion": "v1", "kind": "Pod", "metadata": {)" + metadata + R"(}, "spec": {)" +
         spec + "}}";
}

constexpr const char* container = R"("containers": [{"name": "c", "image": "busybox"}])";

// The fields stand beside a container that is right.
std::string in_spec(const std::string& fields) {
  return in_pod(R"("name": "p")", std::string(container) + ", " + fields);
}

// The fields stand in a container that is right.
std::string in_container(const std::string& fields) {
  return in_pod(R"("name": "p")",
                R"("containers": [{"name": "c", "image": "busybox", )" + fields + "}]");
}

// The fields stand in the container's securityContext.
std::string in_context(const std::string& fields) {
  return in_container(R"("securityContext": {)" + fields + "}");
}

// A container that mounts the volume v so.
std::string in_mount(const std::string& fields) {
  return in_pod(R"("name": "p")",
                R"("volumes": [{"name": "v", "emptyDir": {}}], "containers": [{"name": "c",
                "image": "busybox", "volumeMounts": [{"name": "v", )" +
                    fields + "}]}]");
}

std::string errors(const std::string& json, const ValidateOptions& options = {}) {
  std::string out;
  for (const Diagnostic& finding : validate_pod(test::read_json(json), options)) {
    if (finding.severity != Severity::error) continue;
    out += message(finding);
    if (!finding.hint.empty()) out += " (" + finding.hint + ")";
    out += "\n";
  }
  return out;
}

struct Case {
  std::string about;
  std::string json;
  std::string wanted;  // the start of the only error
};

void check_each(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.about);
    const std::string found = errors(one.json);
    CHECK_MESSAGE(found.starts_with(one.wanted), "found: ", found, "wanted: ", one.wanted);
    CHECK_MESSAGE(found.find('\n') + 1 == found.size(), "more than one error: ", found);
  }
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("a plain pod has nothing to be said of it") {
    CHECK(validate_pod(test::read_json(in_pod(R"("name": "p")", container))).empty());
  }

  TEST_CASE("an unknown field is an error with its path and what was meant") {
    check_each({
        {"spelling", in_container(R"("comand": ["sh"])"),
         R"(unknown field "spec.containers[0].comand" (did you mean "command"?))"},
        {"case", in_container(R"("Command": ["sh"])"),
         R"(unknown field "spec.containers[0].Command" (did you mean "command"?))"},
        {"wrong place, too high", in_spec(R"("command": ["sh"])"),
         R"(unknown field "spec.command" ("command" belongs under a container)"},
        {"wrong place, too low", in_container(R"("hostNetwork": true)"),
         R"(unknown field "spec.containers[0].hostNetwork" ("hostNetwork" belongs under spec))"},
        {"wrong context", in_spec(R"("securityContext": {"privileged": true})"),
         "unknown field \"spec.securityContext.privileged\" (\"privileged\" belongs under a "
         "container's"},
        {"nothing near", in_spec(R"("zzzzzz": 1)"), "unknown field \"spec.zzzzzz\"\n"},
        {"instead of an object with a required one",
         R"({"metdata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})",
         R"(unknown field "metdata" (did you mean "metadata"?))"},
        {"instead of a required one",
         in_pod(R"("name": "p")", R"("contaners": [{"name": "c", "image": "i"}])"),
         R"(unknown field "spec.contaners" (did you mean "containers"?))"},
    });
  }

  TEST_CASE("a value of the wrong type is one error, and says what is wanted") {
    check_each({
        {"map for list", in_pod(R"("name": "p")", R"("containers": {"name": "c"})"),
         "spec.containers: Invalid value: {\"name\":\"c\"}: must be a list, not a map"},
        {"text for list", in_container(R"("args": "a b")"),
         "spec.containers[0].args: Invalid value: \"a b\": must be a list, not a string"},
        {"map of env", in_container(R"("env": {"A": "b"})"),
         "spec.containers[0].env: Invalid value: {\"A\":\"b\"}: must be a list, not a map"},
        {"number for text", in_container(R"("env": [{"name": "A", "value": 1}])"),
         "spec.containers[0].env[0].value: Invalid value: 1: must be a string, not an integer "
         "(quote it: \"1\")"},
        {"boolean for text", in_container(R"("env": [{"name": "A", "value": true}])"),
         "spec.containers[0].env[0].value: Invalid value: true: must be a string"},
        {"text for boolean", in_container(R"("tty": "true")"),
         "spec.containers[0].tty: Invalid value: \"true\": must be true or false (leave the "
         "quotes"},
        {"number for boolean", in_container(R"("tty": 1)"),
         "spec.containers[0].tty: Invalid value: 1: must be true or false"},
        {"text for port", in_container(R"("ports": [{"containerPort": "80"}])"),
         "spec.containers[0].ports[0].containerPort: Invalid value: \"80\": must be an integer "
         "(leave the quotes out)"},
        {"fraction", in_spec(R"("terminationGracePeriodSeconds": 1.5)"),
         "spec.terminationGracePeriodSeconds: Invalid value: 1.5: must be an integer"},
        {"more than 32 bits", in_container(R"("ports": [{"containerPort": 4294967296}])"),
         "spec.containers[0].ports[0].containerPort: Invalid value: 4294967296: must be an integer "
         "of 32 bits"},
        {"more than 64 bits", in_spec(R"("terminationGracePeriodSeconds": 9223372036854775808)"),
         "spec.terminationGracePeriodSeconds: Invalid value: "},
        {"name for user", in_context(R"("runAsUser": "root")"),
         "spec.containers[0].securityContext.runAsUser: Invalid value: \"root\": must be an "
         "integer"},
    });
  }

  TEST_CASE("a whole number may be written as a fraction of nothing, not as hex or power") {
    Node pod = test::read_json(in_spec(R"("terminationGracePeriodSeconds": 5.0)"));
    CHECK_FALSE(has_errors(validate_pod(pod)));
    Node& grace = pod.find("spec")->set("terminationGracePeriodSeconds");
    for (const char* const text : {"0x10", "1e1"}) {
      CAPTURE(text);
      grace = Node::make_integer(16);
      grace.text = text;
      const Diagnostics found = validate_pod(pod);
      REQUIRE(found.size() == 1);
      CHECK(found[0].text == "must be an integer in plain digits");
      CHECK(found[0].hint == "write 16");
    }
  }

  TEST_CASE("null is as good as absent, but the word null is no text") {
    CHECK(errors(in_spec(R"("volumes": null, "hostNetwork": null)")).empty());
    Node pod = test::read_json(in_container(R"("env": [{"name": "A", "value": null}])"));
    CHECK_FALSE(has_errors(validate_pod(pod)));
    Node& value = pod.find("spec")->find("containers")->items[0].find("env")->items[0].set("value");
    value.text = "null";
    const Diagnostics found = validate_pod(pod);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ErrorKind::type_invalid);
    CHECK(found[0].path == "spec.containers[0].env[0].value");
  }

  TEST_CASE("metadata is checked") {
    const auto named = [](const std::string& metadata) { return in_pod(metadata, container); };
    check_each({
        {"no name", named(""), "metadata.name: Required value: name or generateName is required"},
        {"only a prefix", named(R"("generateName": "p-")"),
         "metadata.name: Required value: no names are made up here"},
        {"upper case", named(R"("name": "Web")"),
         "metadata.name: Invalid value: \"Web\": a lowercase"},
        {"path", named(R"("name": "../x")"), "metadata.name: Invalid value: \"../x\": a lowercase"},
        {"newline", named(R"("name": "a\nb")"),
         "metadata.name: Invalid value: \"a\\nb\": a lowercase"},
        {"too long", named(R"("name": ")" + std::string(254, 'a') + "\""),
         "metadata.name: Invalid value: "},
        {"label key", named(R"("name": "p", "labels": {"a b": "x"})"),
         "metadata.labels: Invalid value: \"a b\": name part must consist of"},
        {"label value", named(R"("name": "p", "labels": {"a": "x y"})"),
         "metadata.labels: Invalid value: \"x y\": a valid label must be"},
        {"annotations",
         named(R"("name": "p", "annotations": {"a": ")" + std::string(262144, 'x') + "\"}"),
         "metadata.annotations: Too long: may not be more than 262144 bytes"},
        {"no spec", R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}})",
         "spec.containers: Required value"},
        {"no containers", in_pod(R"("name": "p")", R"("containers": [])"),
         "spec.containers: Required value"},
    });
  }

  TEST_CASE("containers are named once, have an image and sound policies") {
    const auto containers = [](const std::string& list) {
      return in_pod(R"("name": "p")", R"("containers": [)" + list + "]");
    };
    check_each({
        {"no name", containers(R"({"image": "i"})"), "spec.containers[0].name: Required value"},
        {"upper case", containers(R"({"name": "C", "image": "i"})"),
         "spec.containers[0].name: Invalid value: \"C\""},
        {"twice", containers(R"({"name": "c", "image": "i"}, {"name": "c", "image": "i"})"),
         "spec.containers[1].name: Duplicate value: \"c\""},
        {"also in init", in_spec(R"("initContainers": [{"name": "c", "image": "i"}])"),
         "spec.initContainers[0].name: Duplicate value: \"c\""},
        {"no image", containers(R"({"name": "c"})"), "spec.containers[0].image: Required value"},
        {"blank", containers(R"({"name": "c", "image": " x"})"),
         "spec.containers[0].image: Invalid value: \" x\": must not have leading or trailing"},
        {"pull policy", in_container(R"("imagePullPolicy": "always")"),
         "spec.containers[0].imagePullPolicy: Unsupported value: \"always\": supported values: "
         "\"Always\", \"IfNotPresent\", \"Never\" (did you mean \"Always\"?)"},
        {"restart policy", in_spec(R"("restartPolicy": "always")"),
         "spec.restartPolicy: Unsupported value: \"always\": supported values: \"Always\", "
         "\"OnFailure\", \"Never\" (did you mean \"Always\"?)"},
        {"nothing to run", in_container(R"("command": [""])"),
         "spec.containers[0].command[0]: Invalid value: \"\": must name a program"},
        {"relative folder", in_container(R"("workingDir": "tmp")"),
         "spec.containers[0].workingDir: Invalid value: \"tmp\": must be an absolute path"},
        {"NUL", in_container(R"("args": ["a\u0000b"])"),
         "spec.containers[0].args[0]: Invalid value: \"a\\x00b\": must not contain a NUL byte"},
        {"long argument", in_container(R"("args": [")" + std::string(131072, 'x') + "\"]"),
         "spec.containers[0].args[0]: Too long"},
    });
  }

  TEST_CASE("the environment has names, and values from one place") {
    const auto env = [](const std::string& variable) {
      return in_container(R"("env": [{)" + variable + "}]");
    };
    const auto kubernetes = [](const std::string& json) {
      std::string out;
      for (const Diagnostic& finding : kubernetes_validation(test::read_json(json)))
        out += message(finding) + "\n";
      return out;
    };
    check_each({
        {"no name", env(R"("value": "x")"), "spec.containers[0].env[0].name: Required value"},
        {"=", env(R"("name": "a=b")"), "spec.containers[0].env[0].name: Invalid value: \"a=b\""},
    });
    CHECK(errors(env(R"("name": "1a-b.c", "value": "x")")).empty());
    CHECK(kubernetes(env(R"("name": "A", "value": "x", "valueFrom": {"fieldRef":
        {"fieldPath": "metadata.name"}})")) ==
          "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when "
          "`value` is not empty\n");
    CHECK(kubernetes(env(R"("name": "A", "valueFrom": {})"))
              .find("must specify one of: `fieldRef`") != std::string::npos);
    CHECK(
        kubernetes(env(R"("name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.phase"}})"))
            .find("Unsupported value: \"status.phase\"") != std::string::npos);
  }

  TEST_CASE("ports are numbers from 1 to 65535, with distinct names and host ports") {
    const auto ports = [](const std::string& list) {
      return in_container(R"("ports": [)" + list + "]");
    };
    check_each({
        {"0", ports(R"({"containerPort": 0})"),
         "spec.containers[0].ports[0].containerPort: Required value"},
        {"65536", ports(R"({"containerPort": 65536})"),
         "spec.containers[0].ports[0].containerPort: Invalid value: 65536: must be between 1 and"},
        {"-1", ports(R"({"containerPort": -1})"),
         "spec.containers[0].ports[0].containerPort: Invalid value: -1: must be between 1 and"},
        {"protocol", ports(R"({"containerPort": 80, "protocol": "tcp"})"),
         "spec.containers[0].ports[0].protocol: Unsupported value: \"tcp\": supported values: "
         "\"SCTP\", \"TCP\", \"UDP\" (did you mean \"TCP\"?)"},
        {"name", ports(R"({"containerPort": 80, "name": "80"})"),
         "spec.containers[0].ports[0].name: Invalid value: \"80\": must contain at least one"},
        {"two names",
         ports(R"({"containerPort": 80, "name": "a"}, {"containerPort": 81, "name": "a"})"),
         "spec.containers[0].ports[1].name: Duplicate value: \"a\""},
        {"two host ports",
         ports(R"({"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80})"),
         "spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//80\""},
        {"two on every address", ports(R"({"containerPort": 80, "hostPort": 80},
                  {"containerPort": 81, "hostPort": 80, "hostIP": "0.0.0.0"})"),
         "spec.containers[0].ports[1].hostPort: Invalid value: 80: leads to port 80 already, on "
         "every address of the host"},
        {"host IP", ports(R"({"containerPort": 80, "hostIP": "999.1.1.1"})"),
         "spec.containers[0].ports[0].hostIP: Invalid value: \"999.1.1.1\": must be a valid IP"},
        {"host network",
         in_pod(R"("name": "p")", R"("hostNetwork": true, "containers": [{"name": "c", "image": "i",
                "ports": [{"containerPort": 80, "hostPort": 8080}]}])"),
         "spec.containers[0].ports[0].hostPort: Invalid value: 8080: must match `containerPort`"},
    });
    CHECK(errors(ports(R"({"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"},
        {"containerPort": 80})"))
              .empty());
    CHECK(errors(ports(R"({"containerPort": 80, "hostPort": 80, "hostIP": "::"},
        {"containerPort": 80, "hostPort": 80},
        {"containerPort": 81, "hostPort": 80, "protocol": "UDP"},
        {"containerPort": 81, "hostPort": 80, "hostIP": "127.0.0.1"})"))
              .empty());
  }

  TEST_CASE("mounts name a volume of the pod and one sound place each") {
    const auto path = [](const std::string& text) {
      return in_mount(R"("mountPath": ")" + text + "\"");
    };
    const std::string at = "spec.containers[0].volumeMounts[0].";
    check_each({
        {"unknown", in_container(R"("volumeMounts": [{"name": "v", "mountPath": "/v"}])"),
         "spec.containers[0].volumeMounts[0].name: Not found: \"v\""},
        {"no path", path(""), "spec.containers[0].volumeMounts[0].mountPath: Required value"},
        {"relative", path("data"),
         "spec.containers[0].volumeMounts[0].mountPath: Invalid value: "
         "\"data\": must be an absolute path"},
        {"colon", path("/a:b"),
         "spec.containers[0].volumeMounts[0].mountPath: Invalid value: "
         "\"/a:b\": must not contain ':'"},
        {"root", path("/"), "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"root in disguise", path("//./"),
         "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"proc", path("/proc"), "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"in proc", path("/proc/sys/x"), "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"sys", path("/sys/"), "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"dev", path("/dev"), "spec.containers[0].volumeMounts[0].mountPath: Forbidden"},
        {"upwards", path("/.."),
         "spec.containers[0].volumeMounts[0].mountPath: Invalid value: "
         "\"/..\": must not contain '..'"},
        {"absolute subPath", in_mount(R"("mountPath": "/v", "subPath": "/abs")"),
         "spec.containers[0].volumeMounts[0].subPath: Invalid value: \"/abs\": must be a relative"},
        {"subPath upwards", in_mount(R"("mountPath": "/v", "subPath": "a/../../b")"),
         "spec.containers[0].volumeMounts[0].subPath: Invalid value: \"a/../../b\": must not "
         "contain"},
        {"twice", in_mount(R"("mountPath": "/v"}, {"name": "v", "mountPath": "/v")"),
         "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v\": must be unique"},
        {"twice in disguise", in_mount(R"("mountPath": "/v"}, {"name": "v", "mountPath": "/v/.")"),
         "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/v/.\": must be unique"},
    });
    CHECK(errors(path("/dev/shm")).empty());
    CHECK(errors(path("/processes")).empty());
    CHECK(errors(in_mount(R"("mountPath": "/v", "subPath": "..data/x..")")).empty());
    CHECK(errors(in_mount(R"("mountPath": "/v", "mountPropagation": "Bidirectional")"))
              .find("Forbidden: Bidirectional mount propagation is available only to privileged") !=
          std::string::npos);
    CHECK(errors(in_mount(R"("mountPath": "/v", "subPath": "a", "subPathExpr": "b")"))
              .find("mutually exclusive") != std::string::npos);
  }

  TEST_CASE("a volume has one source") {
    const auto volumes = [](const std::string& list) {
      return in_spec(R"("volumes": [)" + list + "]");
    };
    check_each({
        {"none", volumes(R"({"name": "v"})"),
         "spec.volumes[0]: Required value: must specify a volume"},
        {"two", volumes(R"({"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}})"),
         "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"},
        {"twice", volumes(R"({"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}})"),
         "spec.volumes[1].name: Duplicate value: \"v\""},
        {"name", volumes(R"({"name": "V", "emptyDir": {}})"),
         "spec.volumes[0].name: Invalid value"},
        {"no path", volumes(R"({"name": "v", "hostPath": {"path": ""}})"),
         "spec.volumes[0].hostPath.path: Required value"},
        {"upwards", volumes(R"({"name": "v", "hostPath": {"path": "/a/../b"}})"),
         "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"},
        {"type", volumes(R"({"name": "v", "hostPath": {"path": "/a", "type": "Dir"}})"),
         "spec.volumes[0].hostPath.type: Unsupported value: \"Dir\""},
        {"size", volumes(R"({"name": "v", "emptyDir": {"sizeLimit": "1Z"}})"),
         "spec.volumes[0].emptyDir.sizeLimit: Invalid value: \"1Z\": quantities must match"},
        {"negative size", volumes(R"({"name": "v", "emptyDir": {"sizeLimit": "-1"}})"),
         "spec.volumes[0].emptyDir.sizeLimit: Forbidden"},
        {"medium", volumes(R"({"name": "v", "emptyDir": {"medium": "Ram"}})"),
         "spec.volumes[0].emptyDir.medium: Unsupported value: \"Ram\""},
        {"git", volumes(R"({"name": "v", "gitRepo": {"repository": "r"}})"),
         "spec.volumes[0].gitRepo: Forbidden: not supported by pausa: "},
    });
  }

  TEST_CASE("quantities are quantities, requests are not above limits") {
    const auto limits = [](const std::string& map) {
      return in_container(R"("resources": {"limits": {)" + map + "}}");
    };
    const char* const memory = "spec.containers[0].resources.limits[memory]: Invalid value: ";
    check_each({
        {"blank", limits(R"("memory": "1 Gi")"),
         "spec.containers[0].resources.limits[memory]: Invalid value: \"1 Gi\": quantities must "
         "match "
         "the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$' (did you mean "
         "\"1Gi\"?)"},
        {"gb", limits(R"("memory": "1gb")"), memory},
        {"mi", limits(R"("memory": "1mi")"), memory},
        {"hex", limits(R"("memory": "0x1")"), memory},
        {"point", limits(R"("memory": ".")"), memory},
        {"NaN", limits(R"("memory": "NaN")"), memory},
        {"huge", limits(R"("memory": "1e99")"), memory},
        {"thousandths", limits(R"("memory": "128m")"),
         "spec.containers[0].resources.limits[memory]: Invalid value: \"128m\": must be a whole "
         "number "
         "of bytes (m means thousandths; did you mean \"128Mi\"?)"},
        {"above", in_container(R"("resources": {"requests": {"cpu": "2"}, "limits": {"cpu": 1}})"),
         "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal "
         "to "
         "cpu limit of 1"},
    });
    CHECK(errors(limits(R"("memory": 134217728, "cpu": 0.5)")).empty());
    CHECK(errors(limits(R"("gpu": "1")")).find("must be a standard resource type") !=
          std::string::npos);
    CHECK(errors(limits(R"("example.com/gpu": "1")"))
              .starts_with("spec.containers[0].resources.limits[example.com/gpu]: Forbidden"));
  }

  TEST_CASE("limits and requests of the whole pod hold what its containers ask for") {
    const auto pod = [](const std::string& resources) {
      return in_pod(R"("name": "p")", R"("resources": {)" + resources + R"(}, "initContainers": [
          {"name": "s", "image": "busybox", "restartPolicy": "Always",
           "resources": {"requests": {"cpu": "100m"}}},
          {"name": "i", "image": "busybox", "resources": {"requests": {"cpu": "1"}}}],
        "containers": [
          {"name": "a", "image": "busybox",
           "resources": {"requests": {"cpu": "300m"}, "limits": {"memory": "64Mi"}}},
          {"name": "b", "image": "busybox", "resources": {"requests": {"memory": "1Mi"}}}])");
    };
    CHECK(errors(pod(R"("requests": {"cpu": "1100m", "memory": "65Mi"})")).empty());
    CHECK(errors(pod(R"("requests": {"cpu": "1"})")) ==
          "spec.resources.requests[cpu]: Invalid value: \"1\": must be greater than or equal to "
          "aggregate container requests of 1100m\n");
    CHECK(errors(pod(R"("requests": {"memory": "64Mi"})")) ==
          "spec.resources.requests[memory]: Invalid value: \"64Mi\": must be greater than or equal "
          "to aggregate container requests of 65Mi\n");
    CHECK(errors(pod(R"("limits": {"cpu": "1"})")) ==
          "spec.resources.requests: Invalid value: \"1100m\": must be less than or equal to cpu "
          "limit of 1\n");
    CHECK(errors(pod(R"("limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"})"))
              .find("spec.containers[0].resources.limits[memory]: Invalid value: \"64Mi\": must be "
                    "less than or equal to pod limits of 32Mi") != std::string::npos);
    CHECK(errors(pod(R"("limits": {"cpu": "2", "memory": "1Gi"})")).empty());
  }
}
