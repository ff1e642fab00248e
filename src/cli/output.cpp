#include "cli/output.hpp"

#include <array>

namespace pausa::cli {
namespace {

constexpr std::array<std::string_view, 5> names{"table", "wide", "json", "yaml", "name"};

}  // namespace

Format output_format(const Options& options, std::initializer_list<Format> allowed) {
  const auto wanted = options.get("output");
  if (!wanted) return *allowed.begin();
  std::string known;
  for (const auto format : allowed) {
    const auto name = names[static_cast<std::size_t>(format)];
    if (name == *wanted) return format;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw UsageError("-o " + *wanted + " is unknown here; there are " + known);
}

std::string node_text(const pod::Node& node, Format format) {
  std::string text = format == Format::yaml ? pod::to_yaml(node) : pod::to_json(node, 2);
  if (text.empty() || text.back() != '\n') text += '\n';
  return text;
}

pod::Node list_node(std::vector<pod::Node> items) {
  using pod::Node;
  Node list = Node::make_map();
  list.set("apiVersion", Node::make_string("v1"));
  list.set("items").kind = Node::Kind::list;
  list.set("items").items = std::move(items);
  list.set("kind", Node::make_string("List"));
  Node metadata = Node::make_map();
  metadata.set("resourceVersion", Node::make_string(""));
  list.set("metadata", std::move(metadata));
  return list;
}

std::string nodes_text(std::vector<pod::Node> nodes, Format format) {
  return node_text(nodes.size() == 1 ? nodes.front() : list_node(std::move(nodes)), format);
}

}  // namespace pausa::cli
