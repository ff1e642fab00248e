// What is wrong (or worth a note) in a manifest: where, what, how to mend it. Kubernetes' field
// paths and kinds of error. Printing with the source line and a caret is the manifest room's work
// (manifest/render.hpp).
#pragma once

#include "pod/node.hpp"

#include <string>
#include <vector>

namespace pausa::pod {

enum class Severity : std::uint8_t { error, warning, note };

// Kubernetes' field error kinds (apimachinery field.ErrorType), plus those of reading.
enum class ErrorKind : std::uint8_t {
  required,       // "Required value"
  invalid,        // "Invalid value"
  unsupported,    // "Unsupported value"
  duplicate,      // "Duplicate value"
  forbidden,      // "Forbidden"
  not_found,      // "Not found"
  too_long,       // "Too long"
  too_many,       // "Too many"
  type_invalid,   // "Invalid value" of the wrong JSON type
  unknown_field,  // strict decoding: unknown field "…"
  syntax,         // the text is no YAML, or breaks a limit of the reader
  none            // notes and warnings
};

struct Diagnostic {
  Severity severity = Severity::error;
  ErrorKind kind = ErrorKind::none;
  std::string file;  // as named by the user; empty when there is none
  Mark mark;
  std::string path;  // "spec.containers[0].image"; empty for syntax errors
  std::string
      value;  // the offending value as text, already quoted where it is a string; may be empty
  std::string text;           // the reason, or the whole sentence for syntax errors and notes
  std::string hint;           // how to mend it ("did you mean \"command\"?"); may be empty
  bool confidential = false;  // the source line is not to be shown: a secret stands in it
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);
// "Required value", …; empty for unknown_field, syntax and none.
std::string_view kind_text(ErrorKind kind);
// "FIELD.PATH: Kind: value: text", or: unknown field "FIELD.PATH"; as Kubernetes prints it (no
// file, no hint).
std::string message(const Diagnostic& diagnostic);

}  // namespace pausa::pod
