// Which labels something wants (Kubernetes' LabelSelector). Pure values.
#pragma once

#include "pod/node.hpp"
#include "pod/spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::pod {

struct LabelRule {
  enum class Operator : std::uint8_t { in, not_in, exists, does_not_exist };
  std::string key;
  Operator op = Operator::in;
  std::vector<std::string> values;
};

struct LabelSelector {
  KeyValues match_labels;
  std::vector<LabelRule> match_expressions;

  bool empty() const { return match_labels.empty() && match_expressions.empty(); }
  // All of it must be true; an empty one selects everything.
  bool matches(const KeyValues& labels) const;
};

// From a validated tree; a rule with an unknown operator is left out.
LabelSelector decode_label_selector(const Node& node);
Node label_selector_node(const LabelSelector& selector);

}  // namespace pausa::pod
