// What `pausa explain` prints of a field, and docs/fields.md: both from the schema and the support
// table. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

// path: "pod.spec.containers.image"; a leading "pod", indices and case of "pod" do not matter.
// Empty when there is no such field.
std::optional<std::string> explain(std::string_view path);

// docs/fields.md: the support table by object, and the differences.
std::string fields_markdown();

}  // namespace pausa::pod
