// The output formats of the verbs that show things (-o).
#pragma once

#include "cli/options.hpp"
#include "pod/node.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace pausa::cli {

enum class Format : std::uint8_t { table, wide, json, yaml, name };

// The value of -o, the first of `allowed` when it is not given. Throws UsageError.
Format output_format(const Options& options, std::initializer_list<Format> allowed);

// As JSON with two blanks per level (kubectl has four; jq has two) or as YAML; ends with a line
// break.
std::string node_text(const pod::Node& node, Format format);

// A v1 List, as `kubectl get -o json` prints several objects.
pod::Node list_node(std::vector<pod::Node> items);
// One is shown as itself, several as a List.
std::string nodes_text(std::vector<pod::Node> nodes, Format format);

}  // namespace pausa::cli
