// YAML to pod::Node through yaml-cpp's events, with budgets. Everything that a manifest may not
// say is refused here at its place: duplicate keys, keys that are no strings, merge keys, foreign
// tags, undefined or circular aliases. Internal to the manifest room; pure; does not throw.
#pragma once

#include "manifest/scan.hpp"
#include "manifest/variables.hpp"
#include "pod/diagnostic.hpp"

#include <cstddef>
#include <optional>

namespace pausa::manifest {

struct Limits {
  std::size_t bytes = std::size_t{1} << 20;  // of a source
  std::size_t depth = 64;
  std::size_t nodes = 100'000;                     // of a source
  std::size_t alias_nodes = 10'000;                // of a source, made by expanding aliases
  std::size_t documents = 100;                     // of a source
  std::size_t diagnostics = 100;                   // of a source; the rest is cut off with a word
  std::size_t substituted = std::size_t{8} << 20;  // bytes of a source that come from variables
};

// What a source has used up of the limits.
struct Usage {
  std::size_t nodes = 0;
  std::size_t alias_nodes = 0;
  std::size_t substituted = 0;
  VariableNames variables{};  // that it refers to, where it is read with some
};

// variables: for ${NAME} in scalars; nullptr: those stay as they are.
//
// The document of a piece; empty when it is none (an error was added). A document with errors that
// leave it readable is returned too, so that all its faults can be told at once.
std::optional<pod::Node> parse(const Piece& piece, const LineIndex& lines, const Limits& limits,
                               Usage& usage, pod::Diagnostics& diagnostics,
                               const Variables* variables = nullptr);

}  // namespace pausa::manifest
