#include "pod/diagnostic.hpp"

#include <algorithm>

namespace pausa::pod {

bool has_errors(const Diagnostics& diagnostics) {
  return std::any_of(diagnostics.begin(), diagnostics.end(),
                     [](const Diagnostic& d) { return d.severity == Severity::error; });
}

std::string_view kind_text(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::required:
      return "Required value";
    case ErrorKind::invalid:
    case ErrorKind::type_invalid:
      return "Invalid value";
    case ErrorKind::unsupported:
      return "Unsupported value";
    case ErrorKind::duplicate:
      return "Duplicate value";
    case ErrorKind::forbidden:
      return "Forbidden";
    case ErrorKind::not_found:
      return "Not found";
    case ErrorKind::too_long:
      return "Too long";
    case ErrorKind::too_many:
      return "Too many";
    case ErrorKind::unknown_field:
    case ErrorKind::syntax:
    case ErrorKind::none:
      break;
  }
  return {};
}

std::string message(const Diagnostic& diagnostic) {
  std::string out;
  const auto append = [&out](std::string_view part) {
    if (part.empty()) return;
    if (!out.empty()) out += ": ";
    out += part;
  };
  if (diagnostic.kind == ErrorKind::unknown_field) {
    append("unknown field \"" + diagnostic.path + "\"");
  } else {
    append(diagnostic.path);
  }
  append(kind_text(diagnostic.kind));
  append(diagnostic.value);
  append(diagnostic.text);
  return out;
}

}  // namespace pausa::pod
