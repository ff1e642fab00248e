#include "pod/schema.hpp"

#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

using namespace pausa::pod;
namespace test = pausa::test;

namespace {

std::string short_name(const std::string& name) {
  return name.substr(name.rfind('.') + 1);
}

// The kind of a property in the words of schema::kind_text().
std::string kind_in_json(const Node& property) {
  if (const Node* ref = property.find("$ref")) {
    const std::string name = short_name(ref->text);
    if (name == "Quantity") return "quantity";
    if (name == "Time") return "time";
    if (name == "IntOrString") return "integer or string";
    if (name == "FieldsV1") return "object";
    return name;
  }
  const std::string& type = property.find("type")->text;
  if (type == "array") return "list of " + kind_in_json(*property.find("items"));
  if (type == "object") return "map of " + kind_in_json(*property.find("additionalProperties"));
  const Node* const format = property.find("format");
  return format && format->text == "byte" ? "base64 text" : type;
}

const Node& innermost(const Node& property) {
  const Node* const items = property.find("items");
  return items ? innermost(*items) : property;
}

std::set<std::string> texts(const Node* list) {
  std::set<std::string> out;
  if (list)
    for (const Node& item : list->items) out.insert(item.text);
  return out;
}

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("the schema table says what Kubernetes' own schema says") {
    const Node document =
        test::read_json(test::read_text(PAUSA_SOURCE_DIR "/tests/data/kubernetes/pod-schema.json"));
    std::size_t known = 0;
    for (const Entry& definition : document.find("definitions")->entries) {
      const Node* const properties = definition.value.find("properties");
      if (!properties) continue;
      ++known;
      CAPTURE(definition.key);
      const schema::Type* const type = schema::find_type(short_name(definition.key));
      REQUIRE(type);
      CHECK(type->fields.size() == properties->entries.size());
      const std::set<std::string> required = texts(definition.value.find("required"));
      for (const Entry& property : properties->entries) {
        CAPTURE(property.key);
        const schema::Field* const field = type->find(property.key);
        REQUIRE(field);
        CHECK(schema::kind_text(*field) == kind_in_json(property.value));
        CHECK(field->required == required.contains(property.key));
        CHECK(std::set<std::string>(field->values.begin(), field->values.end()) ==
              texts(innermost(property.value).find("enum")));
        const Node* const format = innermost(property.value).find("format");
        if (format && format->text == "int32") CHECK(field->kind == schema::Kind::int32);
        if (format && format->text == "int64") CHECK(field->kind == schema::Kind::int64);
      }
    }
    CHECK(known == schema::types().size());
  }

  TEST_CASE("types are found by name, fields by their exact spelling") {
    REQUIRE(schema::find_type("Container"));
    CHECK(schema::find_type("Container")->find("image"));
    CHECK_FALSE(schema::find_type("Container")->find("Image"));
    CHECK_FALSE(schema::find_type("container"));
    CHECK(schema::pod_type().find("spec")->type()->name == "PodSpec");
  }
}
