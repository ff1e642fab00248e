#include "manifest/reader.hpp"

#include "manifest/parse.hpp"
#include "manifest/scan.hpp"
#include "manifest/text.hpp"

#include <algorithm>

namespace pausa::manifest {

namespace {

void read_source(const Source& source, std::size_t index, const Limits& limits,
                 const Variables* variables, ReadResult& result, pod::Diagnostics& diagnostics) {
  if (source.text.size() > limits.bytes) {
    diagnostics.push_back(
        syntax_error({}, "the text is larger than " + std::to_string(limits.bytes >> 20) + " MiB"));
    return;
  }
  const std::string text = normalise_lines(source.text);
  const LineIndex lines(text);
  if (const auto bad = find_bad_byte(text)) {
    diagnostics.push_back(syntax_error(lines.mark(bad->offset), bad->text, bad->hint));
    return;
  }
  const ScanResult scanned = scan(text, lines, limits.depth, limits.documents);
  for (const Problem& problem : scanned.problems) {
    if (diagnostics.size() == limits.diagnostics) break;
    diagnostics.push_back(syntax_error(lines.mark(problem.offset), problem.text, problem.hint));
  }
  Usage usage;
  for (const Piece& piece : scanned.pieces) {
    if (diagnostics.size() >= limits.diagnostics) break;
    std::optional<pod::Node> root = parse(piece, lines, limits, usage, diagnostics, variables);
    if (root && !root->is_null()) result.documents.push_back({index, std::move(*root)});
  }
  result.variables.merge(usage.variables);
}

}  // namespace

ReadResult read(const std::vector<Source>& sources, const Variables* variables) {
  const Limits limits;
  ReadResult result;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    pod::Diagnostics found;
    read_source(sources[i], i, limits, variables, result, found);
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return std::pair(a.mark.line, a.mark.column) < std::pair(b.mark.line, b.mark.column);
    });
    for (pod::Diagnostic& diagnostic : found) {
      diagnostic.file = sources[i].name;
      result.diagnostics.push_back(std::move(diagnostic));
    }
  }
  return result;
}

}  // namespace pausa::manifest
