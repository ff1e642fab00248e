// Manifest text to value trees: YAML as Kubernetes' tooling reads it (KYAML and JSON included),
// with the file, line and column of everything, and with budgets that no text can break: 1 MiB, 64
// levels, 100,000 nodes, 10,000 nodes by aliases, 100 documents, each per source. Pure: opens no
// file; not for child zones. A bad text is a diagnostic, never an exception.
#pragma once

#include "manifest/variables.hpp"
#include "pod/diagnostic.hpp"
#include "pod/node.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace pausa::manifest {

struct Source {
  std::string name;  // as the user named it; diagnostics carry it
  std::string text;
  std::filesystem::path folder;  // absolute; relative hostPaths start here
};

struct Document {
  std::size_t source = 0;  // index of the source it stands in
  pod::Node root;          // never null: empty documents are left out
};

struct ReadResult {
  std::vector<Document> documents;  // in the order of the sources; those that could be read
  pod::Diagnostics diagnostics;     // sorted by source and place
  VariableNames variables;          // that the sources refer to, where there are some
};

// variables: for ${NAME} in scalars (variables.hpp); nullptr: those stay as they are.
ReadResult read(const std::vector<Source>& sources, const Variables* variables = nullptr);

}  // namespace pausa::manifest
