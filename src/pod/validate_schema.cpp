// Unknown fields and wrong JSON types, as Kubernetes' strict decoding finds them.
#include "pod/rules.hpp"
#include "pod/schema.hpp"
#include "pod/suggest.hpp"
#include "pod/validate.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {
namespace {

// Where a field stands that was written in the wrong place. The first that knows it is named.
struct Home {
  std::string_view type;
  std::string_view place;
};
// A manifest with more faults than this is something else altogether; looking for what was meant
// would only take time.
constexpr std::size_t most_hints = 200;

constexpr std::array homes{
    Home{"PodSpec", "spec"},
    Home{"ObjectMeta", "metadata"},
    Home{"Container", "a container (spec.containers[])"},
    Home{"SecurityContext", "a container's securityContext"},
    Home{"PodSecurityContext", "spec.securityContext"},
    Home{"Pod", "the top level"},
    Home{"ResourceRequirements", "resources"},
    Home{"Capabilities", "securityContext.capabilities"},
    Home{"Lifecycle", "lifecycle"},
    Home{"ContainerPort", "an entry of ports"},
    Home{"VolumeMount", "an entry of volumeMounts"},
    Home{"Volume", "an entry of spec.volumes"},
    Home{"Probe", "a probe"},
    Home{"HTTPGetAction", "httpGet"},
    Home{"EmptyDirVolumeSource", "emptyDir"},
};

// Of the kind whose pod template it is; empty for a Pod.
struct Around {
  std::string_view kind;
  std::string_view prefix;  // "spec.template."
};

std::string place_of(const Home& home, const Around& around) {
  std::string place(home.place);
  if (around.prefix.empty() || home.type == "ObjectMeta") return place;
  const std::size_t at = place.find("spec");
  if (at != std::string::npos) place.insert(at, around.prefix);
  return place;
}

std::string unknown_hint(std::string_view name, const schema::Type& type, const Around& around) {
  const schema::Type* const own =
      around.kind.empty() ? nullptr : schema::find_type(concat({around.kind, "Spec"}));
  if (own && own != &type && own->find(name))
    return concat({quoted(name), " belongs under spec of the ", around.kind});
  for (const Home& home : homes)
    if (home.type != type.name && home.type != around.kind &&
        schema::find_type(home.type)->find(name))
      return quoted(name) + " belongs under " + place_of(home, around);
  std::vector<std::string_view> names;
  names.reserve(type.fields.size());
  for (const schema::Field& field : type.fields) names.push_back(field.name);
  const auto near = closest(name, names);
  return near ? "did you mean " + quoted(*near) + "?" : std::string{};
}

bool is_number(const Value& value) {
  return value.node()->kind == Node::Kind::integer || value.node()->kind == Node::Kind::real;
}

void check_string(const Value& value, Findings& findings) {
  if (value.node()->is_string()) return;
  const bool scalar = !value.node()->is_map() && !value.node()->is_list();
  findings.type(value, "must be a string, not " + std::string(kind_name(value.node()->kind)),
                scalar ? "quote it: " + quoted(value.node()->text) : std::string{});
}

void check_boolean(const Value& value, Findings& findings) {
  if (value.node()->kind == Node::Kind::boolean) return;
  const bool in_quotes = value.is("true") || value.is("false");
  findings.type(value, "must be true or false", in_quotes ? "leave the quotes out" : "");
}

// A whole number, in a notation that cannot be mistaken: 16, 0x10 and 1e3 look alike to few.
void check_integer(const Value& value, schema::Kind kind, Findings& findings) {
  const std::optional<std::int64_t> number = value.integer();
  if (!number) {
    const bool digits = value.node()->is_string() && !value.text().empty() &&
                        value.text().find_first_not_of("0123456789") == std::string_view::npos;
    const bool beyond = value.node()->kind == Node::Kind::real;
    findings.type(value, beyond ? "must be an integer of 64 bits" : "must be an integer",
                  digits ? "leave the quotes out" : "");
    return;
  }
  if (value.node()->text.find_first_of("xXeE") != std::string::npos) {
    findings.type(value, "must be an integer in plain digits", "write " + std::to_string(*number));
    return;
  }
  if (kind == schema::Kind::int32 && (*number > INT32_MAX || *number < INT32_MIN))
    findings.type(value, "must be an integer of 32 bits", "");
}

// "1 Gi", "1gb", "1mi": the quantity that was meant, or nothing.
std::optional<std::string> mended_quantity(std::string_view text) {
  std::string number;
  std::string suffix;
  for (const char c : text) {
    if (c == ' ') continue;
    const bool part_of_number = (c >= '0' && c <= '9') || c == '.';
    if (part_of_number && !suffix.empty()) return std::nullopt;
    (part_of_number ? number : suffix) += c;
  }
  if (suffix.size() > 1 && (suffix.back() == 'b' || suffix.back() == 'B')) suffix.pop_back();
  constexpr std::string_view suffixes[] = {"k",  "M",  "G",  "T",  "P",  "E",
                                           "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  for (const std::string_view known : suffixes)
    if (differs_in_case_only(known, suffix) && parse_quantity(number + std::string(known)))
      return number + std::string(known);
  return std::nullopt;
}

void check_quantity(const Value& value, Findings& findings) {
  if (!value.node()->is_string() && !is_number(value)) {
    findings.type(value, "must be a quantity, not " + std::string(kind_name(value.node()->kind)),
                  "");
    return;
  }
  if (value.quantity()) return;
  findings.invalid(value, std::string(quantity_format_text()));
  if (const auto meant = mended_quantity(value.text()))
    findings.hint("did you mean " + quoted(*meant) + "?");
}

void check_object(const Value& object, const schema::Type& type, const Around& around,
                  Findings& findings);

void check_one(const Value& value, const schema::Field& field, const Around& around,
               Findings& findings) {
  if (!value.present()) return;
  switch (field.kind) {
    case schema::Kind::object:
      return check_object(value, *field.type(), around, findings);
    case schema::Kind::string:
    case schema::Kind::time:
    case schema::Kind::bytes:
      return check_string(value, findings);
    case schema::Kind::int32:
    case schema::Kind::int64:
      return check_integer(value, field.kind, findings);
    case schema::Kind::boolean:
      return check_boolean(value, findings);
    case schema::Kind::quantity:
      return check_quantity(value, findings);
    case schema::Kind::int_or_string:
      if (!value.node()->is_string()) check_integer(value, schema::Kind::int32, findings);
      return;
    case schema::Kind::any:
      return;
  }
}

void expected(const Value& value, std::string_view wanted, std::string hint, Findings& findings) {
  findings.type(
      value,
      "must be " + std::string(wanted) + ", not " + std::string(kind_name(value.node()->kind)),
      std::move(hint));
}

void check_field(const Value& value, const schema::Field& field, const Around& around,
                 Findings& findings) {
  if (!value.present()) return;
  switch (field.shape) {
    case schema::Shape::one:
      return check_one(value, field, around, findings);
    case schema::Shape::list:
      if (!value.node()->is_list())
        return expected(value, "a list",
                        value.node()->is_map() ? "put a dash before the entry" : "", findings);
      for (const Value& item : value.items()) check_one(item, field, around, findings);
      return;
    case schema::Shape::map:
      if (!value.node()->is_map()) return expected(value, "a map", "", findings);
      for (const auto& [key, item] : value.entries()) check_one(item, field, around, findings);
      return;
  }
}

void check_object(const Value& object, const schema::Type& type, const Around& around,
                  Findings& findings) {
  if (!object.present()) return;
  if (!object.node()->is_map()) return expected(object, "a map", "", findings);
  for (const Entry& entry : object.node()->entries) {
    if (const schema::Field* const field = type.find(entry.key))
      check_field(object[entry], *field, around, findings);
    else if (entry.key != "status" || !schema::find_kind(type.name))
      findings.unknown(
          object, entry,
          findings.list().size() < most_hints ? unknown_hint(entry.key, type, around) : "");
  }
}

}  // namespace

void check_schema(const Value& pod, Findings& findings) {
  check_object(pod, schema::pod_type(), {}, findings);
}

void check_object_schema(const Value& object, std::string_view kind, Findings& findings) {
  Around around;
  if (const auto workload = workload_kind(kind)) around = {kind, template_prefix(*workload)};
  check_object(object, *schema::find_kind(kind), around, findings);
}

}  // namespace pausa::pod
