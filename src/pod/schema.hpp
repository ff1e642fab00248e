// The types and fields of the Kubernetes Pod (v1.36), as data: what may stand where. The table
// (schema_table.inc) is made by scripts/generate-schema and equals tests/data/kubernetes/
// pod-schema.json; schema_objects.inc adds by hand what other kinds need beyond it. Status is not
// part of it. Everything here is constant and lives for ever.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pausa::pod::schema {

enum class Kind : std::uint8_t {
  string,
  int32,
  int64,
  boolean,
  quantity,
  int_or_string,
  time,
  bytes,
  any,
  object
};
enum class Shape : std::uint8_t { one, list, map };  // of Kind; a map's keys are strings

struct Type;

struct Field {
  std::string_view name;
  Kind kind;
  Shape shape;
  bool required;
  std::int16_t type_index;                   // of an object's type; -1: none, below: by hand
  std::span<const std::string_view> values;  // of an enumerated string; empty: any

  const Type* type() const;  // nullptr unless kind is object
};

struct Type {
  std::string_view name;  // "Container"
  std::span<const Field> fields;

  const Field* find(std::string_view field) const;
};

std::span<const Type> types();  // of the Pod, sorted by name
const Type* find_type(std::string_view name);
const Type& pod_type();
// The kinds that may stand in a manifest, "Pod" among them; nullptr for any other.
const Type* find_kind(std::string_view kind);
std::span<const std::string_view> kinds();  // sorted

// "string", "integer", "map of quantity", "list of Container".
std::string kind_text(const Field& field);

}  // namespace pausa::pod::schema
