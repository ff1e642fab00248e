#include "pod/schema.hpp"

#include <algorithm>

namespace pausa::pod::schema {
namespace {

#include "pod/schema_table.inc"

std::string_view scalar_text(Kind kind) {
  switch (kind) {
    case Kind::string:
      return "string";
    case Kind::int32:
    case Kind::int64:
      return "integer";
    case Kind::boolean:
      return "boolean";
    case Kind::quantity:
      return "quantity";
    case Kind::int_or_string:
      return "integer or string";
    case Kind::time:
      return "time";
    case Kind::bytes:
      return "base64 text";
    case Kind::any:
    case Kind::object:
      break;
  }
  return "object";
}

}  // namespace

const Type* Field::type() const {
  return type_index < 0 ? nullptr : &all_types[static_cast<std::size_t>(type_index)];
}

const Field* Type::find(std::string_view field) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [field](const Field& f) { return f.name == field; });
  return found == fields.end() ? nullptr : &*found;
}

std::span<const Type> types() {
  return all_types;
}

const Type* find_type(std::string_view name) {
  const auto* const found = std::find_if(std::begin(all_types), std::end(all_types),
                                         [name](const Type& type) { return type.name == name; });
  return found == std::end(all_types) ? nullptr : found;
}

const Type& pod_type() {
  static const Type* const pod = find_type("Pod");
  return *pod;
}

std::string kind_text(const Field& field) {
  const Type* const type = field.type();
  const std::string_view base = type ? type->name : scalar_text(field.kind);
  switch (field.shape) {
    case Shape::list:
      return "list of " + std::string(base);
    case Shape::map:
      return "map of " + std::string(base);
    case Shape::one:
      break;
  }
  return std::string(base);
}

}  // namespace pausa::pod::schema
