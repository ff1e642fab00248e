// What pausa does with each field of the Pod: the support table behind docs/fields.md, `explain`
// and the check of a manifest. A row is "Type.field". Every field that a done field leads to has a
// row; what lies below a field that is not done shares its fate. Constant data, and a pure walk.
#pragma once

#include "pod/value.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace pausa::pod {

enum class Support : std::uint8_t {
  done,
  no_effect,    // accepted; a note says why nothing comes of it
  pending,      // accepted, though something is missed: a warning; will be done
  not_yet,      // an error: will be done
  unsupported,  // an error: has no place on one machine
};

struct FieldSupport {
  std::string_view field;  // "Container.image"
  Support support;
  std::string_view about;  // what the field is for; may be empty
  std::string_view note;   // why there is no effect or no support, or how it differs; may be empty
};

std::span<const FieldSupport> field_table();
// nullptr for a field below one that is not done.
const FieldSupport* find_support(std::string_view type, std::string_view field);
std::string_view support_text(Support support);  // "done", "no effect", …

// Errors for what is not supported, notes for what has no effect here.
void check_support(const Value& pod, Findings& findings);
// The same for an object of another kind (schema::kinds()).
void check_support(const Value& object, std::string_view kind, Findings& findings);

// Where we answer otherwise than a Kubernetes API server does, on purpose.
struct Difference {
  std::string_view subject;
  std::string_view kubernetes;
  std::string_view here;
  std::string_view reason;
  std::span<const std::string_view> cases;  // of tests/data/kubernetes/validation.jsonl
};
std::span<const Difference> differences();

}  // namespace pausa::pod
