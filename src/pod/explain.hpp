// What `pausa explain` prints of a field, and docs/fields.md: both from the schema and the support
// table. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

// path: "pod.spec.containers.image"; a leading "pod", indices and case of "pod" do not matter.
// Empty when there is no such field.
std::optional<std::string> explain(std::string_view path);

// What proves a row: the text of its last cell, by "Type.field".
using FieldTests = std::map<std::string, std::string, std::less<>>;

// docs/fields.md: the support table by object, with the tests of each row, and the differences.
std::string fields_markdown(const FieldTests& tests);

}  // namespace pausa::pod
