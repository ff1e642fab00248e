#include "cli/object_view.hpp"

#include "cli/command.hpp"
#include "cli/objects.hpp"
#include "cli/table.hpp"
#include "cli/target.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

using pod::Node;
using pod::Object;

int describe_objects(const state::Store& store, const ObjectView& view,
                     const std::vector<std::string>& words, const Options& options, Format format) {
  std::vector<Node> nodes;
  for (const auto& word : words) {
    const Object object = find_object(store, view, word.substr(word.find('/') + 1), options);
    if (format == Format::table)
      std::cout << (&word == &words.front() ? "" : "\n") << view.description(object);
    else
      nodes.push_back(view.show(object).node);
  }
  if (format != Format::table) std::cout << nodes_text(std::move(nodes), format);
  return exit_ok;
}

}  // namespace

std::string namespace_of(const Options& options) {
  return options.get("namespace").value_or(default_namespace());
}

Object find_object(const state::Store& store, const ObjectView& view, const std::string& name,
                   const Options& options) {
  auto object = state::ObjectStore(store.paths()).find(view.kind, namespace_of(options), name);
  if (!object)
    throw NoSuchObject("no " + view.called + " " + name + " in namespace " + namespace_of(options));
  return std::move(*object);
}

int list_objects(const state::Store& store, const ObjectView& view, const Options& options,
                 Format format) {
  std::vector<Node> nodes;
  Table rows(view.columns);
  for (const auto& object : state::ObjectStore(store.paths()).list(view.kind)) {
    if (options.has("namespace") && object.metadata.namespace_ != namespace_of(options)) continue;
    if (format == Format::name) {
      std::cout << object_words(object) << "\n";
      continue;
    }
    auto shown = view.show(object);
    rows.add(std::move(shown.cells));
    nodes.push_back(std::move(shown.node));
  }
  if (format == Format::table)
    std::cout << rows.text();
  else if (format != Format::name)
    std::cout << node_text(list_node(std::move(nodes)), format);
  return exit_ok;
}

int run_object_verb(const std::string& verb, const Options& options,
                    const std::function<ObjectView(const state::Store&)>& look) {
  auto words = options.words();
  if (words.empty()) throw UsageError(verb + ": say ls or describe");
  const std::string what = words.front();
  words.erase(words.begin());
  const state::Store store(state::Paths::from_environment());
  const Format format =
      output_format(options, {Format::table, Format::json, Format::yaml, Format::name});
  if (what == "ls" && words.empty()) return list_objects(store, look(store), options, format);
  if (what != "describe" || words.empty() || format == Format::name)
    throw UsageError(verb + ": say ls, or describe NAME…");
  return describe_objects(store, look(store), words, options, format);
}

std::string joined(const std::vector<std::string>& words, const std::string& nothing) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? nothing : text;
}

}  // namespace pausa::cli
