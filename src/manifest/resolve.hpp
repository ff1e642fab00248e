// What a plain (unquoted) scalar means. Kubernetes' tooling reads YAML 1.1 with a few words of 1.2:
// yes/no/on/off/y/n are booleans, 0644 and 0o644 octal, 0b1 binary, 1_000 a thousand, 1:30 a
// string, 80.0 an integer. Internal to the manifest room; pure.
#pragma once

#include "pod/node.hpp"

#include <string>
#include <string_view>

namespace pausa::manifest {

struct Resolved {
  pod::Node node;  // without a mark; text is the literal text
  // When YAML 1.2 would read the text otherwise: a sentence that says so, and how to be clear.
  std::string note;
  std::string hint;
  // A number that JSON, and so Kubernetes, does not have (.inf, .nan).
  bool not_json = false;
};

Resolved resolve_plain(std::string_view text);

}  // namespace pausa::manifest
