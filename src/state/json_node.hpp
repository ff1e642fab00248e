// JSON text of ours as a tree; without marks.
#pragma once

#include "pod/node.hpp"

#include <optional>
#include <string>

namespace pausa::state {

// nullopt: it is no JSON object.
std::optional<pod::Node> node_from_json(const std::string& text);

}  // namespace pausa::state
