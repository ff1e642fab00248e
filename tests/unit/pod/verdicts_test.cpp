// The support table against what a manifest gets: each field that is not done, alone in a manifest.
#include "pod/fields.hpp"
#include "pod/schema.hpp"
#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

// A place in a manifest: the text around it and its path.
struct Place {
  std::string before, after, path;
};

Place below(const Place& place, const schema::Field& field) {
  const bool list = field.shape == schema::Shape::list;
  const std::string name(field.name);
  return {place.before + "{\"" + name + "\": " + (list ? "[" : ""),
          (list ? "]}" : "}") + place.after,
          place.path + (place.path.empty() ? "" : ".") + name + (list ? "[0]" : "")};
}

// Values that ask for something, of the field's kind.
std::vector<std::string> samples(const schema::Field& field) {
  std::vector<std::string> values;
  switch (field.kind) {
    case schema::Kind::string:
    case schema::Kind::time:
    case schema::Kind::bytes:
      for (const std::string_view known : field.values)
        values.push_back('"' + std::string(known) + '"');
      if (values.empty()) values.emplace_back("\"x\"");
      break;
    case schema::Kind::boolean:
      values.emplace_back("true");
      break;
    case schema::Kind::any:
    case schema::Kind::object:
      values.emplace_back(R"({"x": 1})");
      break;
    default:
      values.emplace_back("5");
  }
  for (std::string& value : values) {
    if (field.shape == schema::Shape::list) value = "[" + value + "]";
    if (field.shape == schema::Shape::map) value = R"({"x": )" + value + "}";
  }
  return values;
}

Diagnostics judge(const std::string& json, std::string_view kind) {
  const Node node = test::read_json(json);
  Findings findings;
  check_support(Value(node), kind, findings);
  return findings.take();
}

Severity severity_of(Support support) {
  if (support == Support::no_effect) return Severity::note;
  return support == Support::pending ? Severity::warning : Severity::error;
}

bool is_told(const schema::Field& field, const Place& place, Support support,
             std::string_view kind) {
  const std::string path = place.path + (place.path.empty() ? "" : ".") + std::string(field.name);
  for (const std::string& value : samples(field)) {
    const Diagnostics found = judge(
        place.before + "{\"" + std::string(field.name) + "\": " + value + "}" + place.after, kind);
    if (found.size() == 1 && found[0].severity == severity_of(support) && found[0].path == path)
      return true;
  }
  return false;
}

std::size_t check_all(const schema::Type& type, const Place& place, std::string_view kind,
                      std::set<std::string_view>& seen) {
  if (!seen.insert(type.name).second) return 0;
  std::size_t told = 0;
  for (const schema::Field& field : type.fields) {
    const FieldSupport* const row = find_support(type.name, field.name);
    if (!row) continue;
    if (row->support == Support::done) {
      if (field.type()) told += check_all(*field.type(), below(place, field), kind, seen);
      continue;
    }
    CAPTURE(row->field);
    // True is what an API server fills in.
    if (row->field == "PodSpec.enableServiceLinks") continue;
    CHECK(is_told(field, place, row->support, kind));
    ++told;
  }
  return told;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("what is not done is a note, a warning or an error, at its place, by its verdict") {
    std::size_t told = 0;
    for (const std::string_view kind : schema::kinds()) {
      std::set<std::string_view> seen;
      told += check_all(*schema::find_kind(kind), {}, kind, seen);
    }
    CHECK(told > 100);
  }
}
