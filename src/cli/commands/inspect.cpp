#include "cli/commands/commands.hpp"
#include "cli/inspect_object.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/target.hpp"
#include "cli/template.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

const std::vector<Option> table{
    {"format,f", "TEMPLATE", "a Go template for each pod: '{{.status.phase}}'; json: one line"},
    {"output,o", "FORMAT", "json or yaml"},
    {"namespace,n", "NAME", "the pods' namespace"}};

pod::Node object_of(const state::Store& store, const Target& target) {
  if (!store.read(target.key)) {
    if (!store.read_manifest(target.key))
      throw NoSuchObject("no pod " + target.key.name + " in namespace " + target.key.namespace_);
    return inspect_without_record(store, target.key);
  }
  return inspect_object(store, as_of_now(find_pod(store, target.key)));
}

}  // namespace

std::string inspect_options() {
  return options_help(table);
}

int run_inspect(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto format = output_format(options, {Format::json, Format::yaml});
  if (options.words().empty()) throw UsageError("inspect needs a pod");
  const state::Store store(state::Paths::from_environment());
  std::vector<pod::Node> objects;
  int code = exit_ok;
  for (const auto& word : options.words()) {
    const auto target = parse_target(word, options.get("namespace"));
    if (!target.container.empty())
      throw UsageError("inspect shows pods; the containers of " + target.key.name +
                       " are in its object, below status and pausa.containers");
    try {
      objects.push_back(object_of(store, target));
    } catch (const NoSuchObject& missing) {
      std::cerr << "pausa: " << missing.what() << "\n";
      code = exit_no_such_object;
    }
  }
  if (const auto pattern = options.get("format")) {
    for (const auto& object : objects) std::cout << render_template(*pattern, object) << "\n";
  } else if (options.words().size() > 1) {
    std::cout << node_text(list_node(std::move(objects)), format);
  } else if (!objects.empty()) {
    std::cout << node_text(objects.front(), format);
  }
  return code;
}

}  // namespace pausa::cli
