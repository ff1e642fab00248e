#include "pod/label_selector.hpp"

#include "pod/key_values.hpp"
#include "pod/value.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {
namespace {

constexpr std::array<std::string_view, 4> operators{"In", "NotIn", "Exists", "DoesNotExist"};

bool holds(const LabelRule& rule, const KeyValues& labels) {
  const std::string* const value = find_value(labels, rule.key);
  const auto among = [&] {
    return value && std::find(rule.values.begin(), rule.values.end(), *value) != rule.values.end();
  };
  switch (rule.op) {
    case LabelRule::Operator::in:
      return among();
    case LabelRule::Operator::not_in:
      return !among();
    case LabelRule::Operator::exists:
      return value != nullptr;
    case LabelRule::Operator::does_not_exist:
      break;
  }
  return value == nullptr;
}

}  // namespace

bool LabelSelector::matches(const KeyValues& labels) const {
  return std::all_of(match_labels.begin(), match_labels.end(),
                     [&labels](const auto& wanted) {
                       const std::string* const value = find_value(labels, wanted.first);
                       return value && *value == wanted.second;
                     }) &&
         std::all_of(match_expressions.begin(), match_expressions.end(),
                     [&labels](const LabelRule& rule) { return holds(rule, labels); });
}

LabelSelector decode_label_selector(const Node& node) {
  const Value selector(node);
  LabelSelector out;
  for (const auto& [key, value] : selector["matchLabels"].entries())
    out.match_labels.emplace_back(key, value.text());
  for (const Value& expression : selector["matchExpressions"].items()) {
    const auto op = std::find(operators.begin(), operators.end(), expression["operator"].text());
    if (op == operators.end()) continue;
    LabelRule rule;
    rule.key = expression["key"].text();
    rule.op = static_cast<LabelRule::Operator>(op - operators.begin());
    for (const Value& value : expression["values"].items()) rule.values.emplace_back(value.text());
    out.match_expressions.push_back(std::move(rule));
  }
  return out;
}

Node label_selector_node(const LabelSelector& selector) {
  Node node = Node::make_map();
  for (const auto& [key, value] : selector.match_labels)
    node.set("matchLabels").set(key, Node::make_string(value));
  for (const LabelRule& rule : selector.match_expressions) {
    Node expression = Node::make_map();
    expression.set("key", Node::make_string(rule.key));
    expression.set("operator",
                   Node::make_string(std::string(operators[static_cast<std::size_t>(rule.op)])));
    for (const std::string& value : rule.values) {
      Node& values = expression.set("values");
      if (!values.is_list()) values = Node::make_list();
      values.push(Node::make_string(value));
    }
    Node& list = node.set("matchExpressions");
    if (!list.is_list()) list = Node::make_list();
    list.push(std::move(expression));
  }
  return node;
}

}  // namespace pausa::pod
