#include "pod/object.hpp"

#include "pod/base64.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

std::string first(const Diagnostics& found) {
  return found.empty() ? "nothing" : message(found.front());
}

std::string judge(std::string_view json, ObjectKind kind) {
  return first(validate_object(test::read_json(json), kind));
}

Object volume(const std::string& name, std::int64_t bytes) {
  Object out;
  out.kind = ObjectKind::volume;
  out.metadata.name = name;
  out.volume.bytes = bytes;
  out.volume.access_modes = {"ReadWriteOnce"};
  return out;
}

Object claim(const std::string& name, std::int64_t bytes) {
  Object out;
  out.kind = ObjectKind::claim;
  out.metadata.name = name;
  out.claim.bytes = bytes;
  out.claim.access_modes = {"ReadWriteOnce"};
  return out;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("base64 is read as it is written, with padding and over lines") {
    for (const std::string_view text : {"", "a", "ab", "abc", "abcd", "\xff\x01"}) {
      CAPTURE(text);
      CHECK(from_base64(to_base64(text)) == std::string(text));
    }
    CHECK(to_base64("abcd") == "YWJjZA==");
    CHECK(from_base64("YWJj\nZA==\n") == "abcd");
    for (const std::string_view bad :
         {"YWJjZA", "YWJjZA=", "Y===", "YW=j", "YWJjZA==YWJj", "a b c"})
      CHECK_FALSE(from_base64(bad));
  }

  TEST_CASE("a Secret's stringData goes before its data, and both are stored encoded") {
    const Object secret = decode_object(
        test::read_json(R"({"metadata": {"name": "s"}, "data": {"b": "YWJj", "a": "YQ=="},
                            "stringData": {"b": "plain"}})"),
        ObjectKind::secret);
    CHECK(secret.metadata.namespace_ == "default");
    CHECK(secret.data == KeyValues{{"a", "a"}, {"b", "plain"}});
    CHECK(to_json(object_node(secret)) ==
          R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s","namespace":"default"},)"
          R"("type":"Opaque","data":{"a":"YQ==","b":"cGxhaW4="}})");
  }

  TEST_CASE("what was decoded comes back the same from its node") {
    const Node given = test::read_json(
        R"({"metadata": {"name": "v"}, "spec": {"capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
            "hostPath": {"path": "/srv", "type": "Directory"}, "claimRef": {"name": "c"}}})");
    const Object once = decode_object(given, ObjectKind::volume);
    const Object twice = decode_object(object_node(once), ObjectKind::volume);
    CHECK(to_json(object_node(once)) == to_json(object_node(twice)));
    CHECK(twice.volume.bytes == std::int64_t{1} << 30);
    CHECK(twice.volume.type == HostPathType::directory);
    CHECK(twice.metadata.namespace_.empty());
  }

  TEST_CASE("keys, sizes and encodings are checked") {
    CHECK(judge(R"({"metadata": {"name": "c"}, "data": {"a/b": "x"}})", ObjectKind::config_map)
              .starts_with("data[a/b]: Invalid value: \"a/b\": a valid config key"));
    CHECK(judge(R"({"metadata": {"name": "c"}, "data": {"a": "x"}, "binaryData": {"a": "YQ=="}})",
                ObjectKind::config_map) ==
          "binaryData[a]: Invalid value: \"a\": duplicate of key present in data");
    const std::string big(2U << 20U, 'x');
    CHECK(judge(R"({"metadata": {"name": "c"}, "data": {"a": ")" + big + R"("}})",
                ObjectKind::config_map) == "Too long: may not be more than 1048576 bytes");
    CHECK(judge(R"({"metadata": {"name": "c"}, "dta": {}})", ObjectKind::config_map) ==
          "unknown field \"dta\"");
    CHECK(judge(R"({"metadata": {"name": "t"}, "type": "kubernetes.io/tls",
                    "data": {"tls.key": ""}})",
                ObjectKind::secret) == "data[tls.crt]: Required value");
  }

  TEST_CASE("no finding holds what a Secret holds") {
    for (const std::string_view json :
         {R"({"metadata": {"name": "s"}, "data": {"a": "not base64!"}})",
          R"({"metadata": {"name": "s"}, "data": {"a": 4711}})",
          R"({"metadata": {"name": "s"}, "stringData": {"a": 4711}})"}) {
      const Diagnostics found = validate_object(test::read_json(json), ObjectKind::secret);
      REQUIRE(found.size() == 1);
      CHECK(found[0].confidential);
      CHECK(found[0].value.empty());
      CHECK((message(found[0]) + found[0].hint).find("4711") == std::string::npos);
      CHECK((message(found[0]) + found[0].hint).find("not base64") == std::string::npos);
    }
  }

  TEST_CASE("claims and volumes are checked as an API server does") {
    CHECK(
        judge(
            R"({"metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": "1"}}}})",
            ObjectKind::claim) ==
        "spec.accessModes: Required value: at least 1 access mode is required");
    CHECK(judge(R"({"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"],
                    "capacity": {"storage": "1Gi"}}})",
                ObjectKind::volume) == "spec: Required value: must specify a volume type");
    CHECK(judge(R"({"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"],
                    "capacity": {"storage": "1Gi"}, "nfs": {"server": "s"}}})",
                ObjectKind::volume)
              .starts_with("spec.nfs: Forbidden: not supported by pausa: no driver"));
    CHECK(judge(R"({"metadata": {"name": "n", "namespace": "x"}})", ObjectKind::namespace_) ==
          "metadata.namespace: Forbidden: not allowed on this type");
  }

  TEST_CASE("a claim gets the smallest free volume that fits, or the one it names") {
    const std::vector<Object> volumes{volume("big", 100), volume("mid", 50), volume("small", 5)};
    const Object mine = claim("mine", 10);
    CHECK(fitting_volume(mine, volumes, {mine})->metadata.name == "mid");
    Object other = claim("other", 10);
    other.claim.volume_name = "mid";
    CHECK(fitting_volume(mine, volumes, {mine, other})->metadata.name == "big");
    Object named = claim("named", 10);
    named.claim.volume_name = "small";
    CHECK(fitting_volume(named, volumes, {})->metadata.name == "small");
    CHECK(fitting_volume(claim("huge", 1000), volumes, {}) == nullptr);
    std::vector<Object> kept = volumes;
    kept[1].volume.claim_name = "somebody";
    CHECK(fitting_volume(mine, kept, {})->metadata.name == "big");
    Object classy = mine;
    classy.claim.storage_class = "fast";
    CHECK(fitting_volume(classy, volumes, {}) == nullptr);
  }
}
