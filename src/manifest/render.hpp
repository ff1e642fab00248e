// Diagnostics for people: the sentence with its place, the line of the source with a mark under
// the fault, and how to mend it.
//   shop.yaml:11:5: error: unknown field "spec.containers[1].comand"
//      11 |     comand: ["sh"]
//         |     ^~~~~~
//         = did you mean "command"?
// Nothing that a manifest holds reaches the terminal raw: control characters and bad bytes are
// printed as escapes. Pure.
#pragma once

#include "manifest/reader.hpp"
#include "pod/diagnostic.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace pausa::manifest {

// With a line break at the end. source may be null: then there is no line to show.
std::string render(const pod::Diagnostic& diagnostic, const Source* source, bool colour);

// "2 errors, 1 note; nothing was started", without a line break; empty when there is nothing to
// tell. consequence may be empty.
std::string summary(const pod::Diagnostics& diagnostics, std::string_view consequence);

// All of them (the first 200, and how many more there are), each with its source found by name, and
// the summary.
std::string render_all(const pod::Diagnostics& diagnostics, const std::vector<Source>& sources,
                       bool colour, std::string_view consequence);

// By source (in the order given), place, and errors first; the same finding only once, and several
// reasons against one value in one.
void sort_and_dedupe(pod::Diagnostics& diagnostics, const std::vector<Source>& sources);

}  // namespace pausa::manifest
