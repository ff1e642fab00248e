#include "pod/environment.hpp"

#include "pod/decode.hpp"
#include "pod/projection.hpp"
#include "pod/references.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

class Around : public Surroundings, public ObjectSource {
 public:
  Around() {
    Object config;
    config.metadata.name = "config";
    config.data = {{"a", "1"}, {"b", "$(A)"}};
    config.binary = {{"raw", std::string("\0x", 2)}};
    objects.push_back(config);
    Object secret;
    secret.kind = ObjectKind::secret;
    secret.metadata.name = "secret";
    secret.data = {{"a", "s"}, {"nul", std::string("x\0y", 3)}};
    objects.push_back(secret);
  }
  std::optional<Object> object(ObjectKind kind, const std::string& name) const override {
    const auto found = std::find_if(objects.begin(), objects.end(), [&](const Object& object) {
      return object.kind == kind && object.metadata.name == name;
    });
    return found == objects.end() ? std::nullopt : std::optional(*found);
  }
  std::optional<Object> find(ObjectKind kind, const std::string& /*namespace_*/,
                             const std::string& name) const override {
    return object(kind, name);
  }
  std::string uid() const override { return "u-1"; }
  std::string node_name() const override { return "node"; }
  std::vector<std::string> pod_ips() const override { return {"10.0.0.1", "fd00::1"}; }
  std::vector<std::string> host_ips() const override { return {"192.0.2.1"}; }
  NodeSize node_size() const override { return {4000, 1000, 5000}; }
  std::optional<std::string> file(const std::string& volume,
                                  const std::string& path) const override {
    if (volume != "v" || path != "f") return std::nullopt;
    return "X='from file'\n";
  }
  std::vector<Object> objects;
};

Pod pod_of(const std::string& container, const std::string& volumes = "[]") {
  Diagnostics findings;
  return decode_pod(
      test::read_json(R"({"metadata": {"name": "p", "labels": {"b": "2", "a": "\"1\"\n"}},
                          "spec": {"containers": [)" +
                      container + R"(], "volumes": )" + volumes + "}}"),
      findings);
}

Expanded env_of(const std::string& container, bool lenient = false) {
  const Pod pod = pod_of(container);
  const Environment found = outside_env(pod, pod.spec.containers[0], Around(), lenient);
  Expanded out = expand_container(pod.spec.containers[0], found.outside);
  if (found.fault) out.fault = found.fault;
  return out;
}

std::string key_ref(const std::string& kind, const std::string& rest) {
  return R"({"name": "c", "env": [{"name": "X", "valueFrom": {")" + kind + R"(": {)" + rest +
         "}}}]}";
}

ProjectedFiles files_of(const std::string& volume) {
  const Pod pod = pod_of(R"({"name": "c", "resources": {"limits": {"cpu": "1500m"}}})",
                         "[{\"name\": \"v\", " + volume + "}]");
  return project(pod, std::get<Projected>(pod.spec.volumes[0].source), Around());
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("an image as a volume has a name and a policy") {
    Diagnostics faults;
    const auto pod = decode_pod(
        test::read_json(R"({"spec": {"imagePullSecrets": [{"name": "login"}], "volumes": [
          {"name": "v", "image": {"reference": "a/b:1", "pullPolicy": "Never"}}]}})"),
        faults);
    REQUIRE(pod.spec.volumes.size() == 1);
    const auto& image = std::get<ImageVolume>(pod.spec.volumes[0].source);
    CHECK(image.reference == "a/b:1");
    CHECK(image.pull_policy == PullPolicy::never);
    CHECK(pod.spec.image_pull_secrets == std::vector<std::string>{"login"});
  }

  TEST_CASE("env stands above envFrom, later above earlier, and outside values are not expanded") {
    const Expanded out = env_of(
        R"j({"name": "c", "envFrom": [{"configMapRef": {"name": "config"}, "prefix": "P_"},
             {"configMapRef": {"name": "config"}}, {"secretRef": {"name": "secret"}}],
            "env": [{"name": "A", "value": "x"}, {"name": "P_a", "value": "$(P_b)$(A)"}]})j",
        true);
    CHECK(out.env[0] == std::pair<std::string, std::string>("P_a", "$(A)x"));
    CHECK(out.env[1] == std::pair<std::string, std::string>("P_b", "$(A)"));
    CHECK(out.env[2] == std::pair<std::string, std::string>("a", "s"));
  }

  TEST_CASE("what is missing is named, left out when optional, and left out beside a container") {
    CHECK(*env_of(key_ref("configMapKeyRef", R"("name": "none", "key": "a")")).fault ==
          "env \"X\": configmap \"none\" not found");
    CHECK(*env_of(key_ref("secretKeyRef", R"("name": "secret", "key": "z")")).fault ==
          "env \"X\": secret \"secret\" key \"z\" not found");
    CHECK(*env_of(key_ref("configMapKeyRef", R"("name": "config", "key": "raw")")).fault ==
          "env \"X\": configmap \"config\" key \"raw\" not found");
    CHECK(*env_of(key_ref("secretKeyRef", R"("name": "secret", "key": "nul")")).fault ==
          "env \"X\": its value holds a NUL byte, which no variable can");
    const std::string optional =
        key_ref("secretKeyRef", R"("name": "none", "key": "z", "optional": true)");
    CHECK_FALSE(env_of(optional).fault);
    CHECK(env_of(optional).env.empty());
    CHECK_FALSE(env_of(key_ref("configMapKeyRef", R"("name": "none", "key": "a")"), true).fault);
  }

  TEST_CASE("fields and resources") {
    const Around around;
    const Pod pod = pod_of(R"({"name": "c", "resources": {"limits": {"cpu": "1500m"}}})");
    const auto field = [&](PodField name, const std::string& key = "") {
      return field_text(pod, {name, key}, around);
    };
    CHECK(field(PodField::labels) == "a=\"\\\"1\\\"\\n\"\nb=\"2\"");
    CHECK(field(PodField::label, "b") == "2");
    CHECK(field(PodField::label, "z").empty());
    CHECK(field(PodField::pod_ips) == "10.0.0.1,fd00::1");
    CHECK(field(PodField::service_account) == "default");
    const auto resource = [&](ResourceName name, std::int64_t divisor) {
      return resource_text(pod, &pod.spec.containers[0], {"", name, divisor}, around);
    };
    CHECK(resource(ResourceName::limit_cpu, 1000) == "2");
    CHECK(resource(ResourceName::limit_cpu, 1) == "1500");
    CHECK(resource(ResourceName::request_cpu, 1) == "1500");
    CHECK(resource(ResourceName::limit_memory, 1) == "1000");
    CHECK(resource(ResourceName::limit_memory, 999) == "2");
    CHECK(resource(ResourceName::request_memory, 1) == "0");
  }

  TEST_CASE("an env file has values in single quotes, over lines, and comments") {
    const auto value = [](std::string_view text) { return find_in_env_file(text, "A").value; };
    CHECK(value("A='x'") == "x");
    CHECK(value("# A='no'\n\n  A='x y' # c\nB='z'\n") == "x y");
    CHECK(value("A='one\ntwo'\nA='last'") == "last");
    CHECK_FALSE(value("B='x'"));
    CHECK(*find_in_env_file("B='\n'\nA=x", "A").fault == "line 3: a value stands in single quotes");
    CHECK(*find_in_env_file("A='x", "A").fault == "line 1: the quote is not closed");
    CHECK(*find_in_env_file("A = 'x'", "A").fault == "line 1: it must read NAME='value'");
    CHECK(*find_in_env_file("A='x'y", "A").fault == "line 1: something follows the value");
    CHECK(env_of(R"({"name": "c", "env": [{"name": "E", "valueFrom": {"fileKeyRef":
                     {"volumeName": "v", "path": "f", "key": "X"}}}]})")
              .env[0]
              .second == "from file");
  }

  TEST_CASE("generated files: all keys or chosen ones, the later source wins") {
    const ProjectedFiles all = files_of(R"("configMap": {"name": "config", "defaultMode": 256})");
    REQUIRE(all.files.size() == 3);
    CHECK(all.files[2].path == "raw");
    CHECK(all.files[0].mode == 0400);
    const ProjectedFiles some = files_of(
        R"("projected": {"sources": [
            {"secret": {"name": "secret", "items": [{"key": "a", "path": "./x//y", "mode": 292}]}},
            {"configMap": {"name": "config", "items": [{"key": "a", "path": "x/y"}]}},
            {"downwardAPI": {"items": [{"path": "cpu", "resourceFieldRef":
              {"containerName": "c", "resource": "limits.cpu", "divisor": "1m"}}]}}]})");
    REQUIRE(some.files.size() == 2);
    CHECK(some.files[0].text == "1500");
    CHECK(some.files[1].path == "x/y");
    CHECK(some.files[1].text == "1");
    CHECK(some.files[1].mode == 0644);
  }

  TEST_CASE("generated files name what they lack") {
    CHECK(*files_of(R"("secret": {"secretName": "none"})").fault == "secret \"none\" not found");
    CHECK(files_of(R"("secret": {"secretName": "none", "optional": true})").files.empty());
    CHECK(*files_of(R"("configMap": {"name": "config", "items": [{"key": "z", "path": "z"}]})")
               .fault == "configmap \"config\" key \"z\" not found");
    CHECK(*files_of(R"("projected": {"sources": [
               {"configMap": {"name": "config", "items": [{"key": "a", "path": "x"},
                                                          {"key": "b", "path": "x/y"}]}}]})")
               .fault == "path \"x\" is a file and a directory");
  }

  TEST_CASE("references are checked before anything starts") {
    const Node pod = test::read_json(
        R"({"spec": {"containers": [{"envFrom": [{"configMapRef": {"name": "none"}}],
             "env": [{"valueFrom": {"secretKeyRef": {"name": "secret", "key": "aa"}}},
                     {"valueFrom": {"secretKeyRef": {"name": "no", "key": "a", "optional": true}}}]}],
            "volumes": [{"configMap": {"name": "config", "items": [{"key": "raw"}]}},
                        {"persistentVolumeClaim": {"claimName": "c"}}]}})");
    const Diagnostics found = check_references(pod, "default", Around());
    REQUIRE(found.size() == 3);
    CHECK(message(found[0]) ==
          "spec.containers[0].envFrom[0].configMapRef.name: Not found: \"none\": there is no "
          "configmap \"none\" in namespace default");
    CHECK(message(found[1]) ==
          "spec.containers[0].env[0].valueFrom.secretKeyRef.key: Not found: \"aa\": secret "
          "\"secret\" has no key \"aa\"");
    CHECK(found[2].path == "spec.volumes[1].persistentVolumeClaim.claimName");
  }

  TEST_CASE("a subPathExpr stays in its volume") {
    const KeyValues variables{{"A", "x"}, {"UP", ".."}, {"ROOT", "/"}};
    CHECK(expand_sub_path("a/$(A)/$$(A)", variables).path == "a/x/$(A)");
    CHECK(expand_sub_path("$(B)", variables).fault);
    CHECK(expand_sub_path("a/$(UP)", variables).fault);
    CHECK(expand_sub_path("$(ROOT)etc", variables).fault);
  }
}
