#include "pod/schema.hpp"

#include <algorithm>

namespace pausa::pod::schema {
namespace {

#include "pod/schema_table.inc"

// The place of a type of the table above.
constexpr std::int16_t index_of(std::string_view name) {
  std::int16_t index = 0;
  for (const Type& type : all_types) {
    if (type.name == name) return index;
    ++index;
  }
  return -1;
}

#include "pod/schema_objects.inc"

constexpr std::string_view kind_names[] = {
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Namespace",
    "NetworkPolicy",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "ReplicaSet",
    "Secret",
    "Service",
    "StatefulSet",
};

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
  if (type_index <= first_by_hand) return &object_types[first_by_hand - type_index];
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
  const auto named = [name](const Type& type) { return type.name == name; };
  if (const auto* const found = std::find_if(std::begin(all_types), std::end(all_types), named);
      found != std::end(all_types))
    return found;
  const auto* const found = std::find_if(std::begin(object_types), std::end(object_types), named);
  return found == std::end(object_types) ? nullptr : found;
}

const Type* find_kind(std::string_view kind) {
  const bool known =
      std::find(std::begin(kind_names), std::end(kind_names), kind) != std::end(kind_names);
  return known ? find_type(kind) : nullptr;
}

std::span<const std::string_view> kinds() {
  return kind_names;
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
