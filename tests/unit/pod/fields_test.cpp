#include "pod/fields.hpp"

#include "pod/explain.hpp"
#include "pod/schema.hpp"
#include "pod/validate.hpp"
#include "support/json_node.hpp"
#include "support/test_claims.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

// Every type that done fields lead to, and the fields of it without a verdict.
void walk(const schema::Type& type, std::set<std::string_view>& seen,
          std::set<std::string>& missing) {
  if (!seen.insert(type.name).second) return;
  for (const schema::Field& field : type.fields) {
    const FieldSupport* const support = find_support(type.name, field.name);
    if (!support) {
      missing.insert(std::string(type.name) + "." + std::string(field.name));
    } else if (support->support == Support::done && field.type()) {
      walk(*field.type(), seen, missing);
    }
  }
}

void walk_all(std::set<std::string_view>& seen, std::set<std::string>& missing) {
  for (const std::string_view kind : schema::kinds()) walk(*schema::find_kind(kind), seen, missing);
}

std::string joined(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += name + " ";
  return out;
}

Diagnostics judge(std::string_view json) {
  const Node node = test::read_json(json);
  Findings findings;
  check_support(Value(node), findings);
  return findings.take();
}

// Kinds whose black-box tests are still to come.
constexpr std::string_view without_tests[] = {
    "CronJob",          "DaemonSet",   "Deployment", "Job",         "LabelSelector",
    "PodFailurePolicy", "PodTemplate", "ReplicaSet", "StatefulSet", "SuccessPolicy"};

bool is_without_tests(std::string_view field) {
  return std::any_of(std::begin(without_tests), std::end(without_tests),
                     [&](std::string_view kind) { return field.starts_with(kind); });
}

// The cell of a row: at most so many tests, the cases first.
constexpr std::size_t most_tests = 3;

FieldTests test_cells(const test::Claims& claims) {
  FieldTests cells;
  for (const auto& [field, tests] : claims) {
    std::string& cell = cells[field];
    for (std::size_t i = 0; i < std::min(tests.size(), most_tests); ++i) {
      if (i > 0) cell += ", ";
      cell += "[" + tests[i].name + "](../" + tests[i].path + ")";
    }
  }
  return cells;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("every field of the Pod and of the other kinds has a verdict") {
    std::set<std::string_view> seen;
    std::set<std::string> missing;
    walk_all(seen, missing);
    CHECK_MESSAGE(missing.empty(), joined(missing));
  }

  TEST_CASE("every verdict is of a field that exists and can be reached, once") {
    std::set<std::string_view> reached;
    std::set<std::string> missing;
    walk_all(reached, missing);
    std::set<std::string_view> rows;
    for (const FieldSupport& row : field_table()) {
      CAPTURE(row.field);
      const std::size_t dot = row.field.find('.');
      const schema::Type* const type = schema::find_type(row.field.substr(0, dot));
      REQUIRE(type);
      CHECK(type->find(row.field.substr(dot + 1)));
      CHECK(reached.contains(type->name));
      CHECK(rows.insert(row.field).second);
    }
  }

  TEST_CASE("a verdict other than done says why") {
    for (const FieldSupport& row : field_table()) {
      CAPTURE(row.field);
      if (row.support != Support::done) CHECK_FALSE(row.note.empty());
      if (row.support == Support::done) CHECK_FALSE(row.about.empty());
    }
  }

  TEST_CASE("a field that is not supported is one error, whatever lies below it") {
    const Diagnostics found =
        judge(R"({"spec": {"volumes": [{"name": "v", "nfs": {"server": "s", "path": "/"}}]}})");
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].kind == ErrorKind::forbidden);
    CHECK(found[0].path == "spec.volumes[0].nfs");
    CHECK(found[0].text.starts_with("not supported by pausa: "));
  }

  TEST_CASE("a field without effect gives a note") {
    const Diagnostics found = judge(R"({"spec": {"nodeSelector": {"disk": "ssd"},
            "containers": [{"ports": [{"containerPort": 80, "hostPort": 8080}]}]}})");
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::note);
    CHECK(found[0].path == "spec.nodeSelector");
    CHECK_FALSE(has_errors(found));
  }

  TEST_CASE("a value that asks for nothing is not remarked on") {
    CHECK(
        judge(R"({"spec": {"affinity": {}, "tolerations": [], "schedulerName": "default-scheduler",
        "dnsPolicy": "ClusterFirst", "enableServiceLinks": true, "priority": 0, "runtimeClassName": "",
        "securityContext": {"seLinuxOptions": {}, "appArmorProfile": {"type": "Unconfined"}},
        "containers": [{"imagePullPolicy": "IfNotPresent", "terminationMessagePolicy": "File",
          "livenessProbe": null, "lifecycle": {}}]}, "status": {}})")
            .empty());
  }

  TEST_CASE("no field that confines a container is accepted without effect") {
    for (const std::string_view type :
         {"SecurityContext", "PodSecurityContext", "Capabilities", "SeccompProfile", "Sysctl"}) {
      for (const schema::Field& field : schema::find_type(type)->fields) {
        CAPTURE(field.name);
        const FieldSupport* const support = find_support(type, field.name);
        REQUIRE(support);
        // How volumes would be labelled is of no account where no label can be asked for.
        if (field.name == "seLinuxChangePolicy") continue;
        CHECK((support->support == Support::done || support->support == Support::unsupported));
      }
    }
  }

  TEST_CASE("every done field has a test that claims it") {
    const test::Claims claims = test::read_claims(PAUSA_SOURCE_DIR);
    std::set<std::string> missing;
    for (const FieldSupport& row : field_table())
      if (row.support == Support::done && !claims.contains(row.field) &&
          !is_without_tests(row.field))
        missing.emplace(row.field);
    CHECK_MESSAGE(missing.empty(), "no test says `Fields: NAME` (docs/hacking.md) of ",
                  joined(missing));
  }

  TEST_CASE("a test claims fields that there are, and that are done") {
    for (const auto& [field, tests] : test::read_claims(PAUSA_SOURCE_DIR)) {
      CAPTURE(field);
      CAPTURE(tests.front().path);
      const std::size_t dot = std::min(field.find('.'), field.size() - 1);
      const FieldSupport* const row = find_support(field.substr(0, dot), field.substr(dot + 1));
      const bool known = row != nullptr;
      CHECK(known);
      if (known) CHECK(row->support == Support::done);
    }
  }

  TEST_CASE("docs/fields.md is what the tables and the tests say") {
    const std::string path = PAUSA_SOURCE_DIR "/docs/fields.md";
    const std::string text = fields_markdown(test_cells(test::read_claims(PAUSA_SOURCE_DIR)));
    if (std::getenv("PAUSA_WRITE_FIELDS") != nullptr) std::ofstream(path) << text;
    CHECK_MESSAGE(test::read_text(path) == text, "run scripts/generate-fields");
  }
}
