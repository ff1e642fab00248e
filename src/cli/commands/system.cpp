#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/size_text.hpp"
#include "cli/table.hpp"
#include "image/library.hpp"
#include "state/paths.hpp"
#include "supervisor/disk_usage.hpp"
#include "sys/path.hpp"

#include <iostream>
#include <limits>

namespace pausa::cli {
namespace {

using pod::Node;

const std::vector<Option> table{{"output,o", "FORMAT", "table, json or yaml"}};

struct Share {
  const char* what;
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};

std::size_t entries(const std::string& folder) {
  const auto dir = sys::try_open_at(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  return dir ? sys::list_dir(dir.get()).size() : 0;
}

std::uint64_t bytes(const std::string& folder) {
  return supervisor::disk_usage(folder, std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

std::string system_options() {
  return options_help(table);
}

int run_system(const Arguments& arguments) {
  const Options options(table, arguments);
  if (options.words() != Arguments{"df"}) throw UsageError("system: say df");
  const auto format = output_format(options, {Format::table, Format::json, Format::yaml});
  const auto paths = state::Paths::from_environment();
  const image::Library library(paths.root);
  const Share shares[] = {{"images", library.list().size(), bytes(library.images_dir())},
                          {"layers", entries(library.layers_dir()), bytes(library.layers_dir())},
                          {"pods", entries(paths.data_pods()), bytes(paths.data_pods())},
                          {"volumes", entries(paths.volumes()), bytes(paths.volumes())},
                          {"removed", entries(paths.trash()), bytes(paths.trash())}};
  Table rows({"WHAT", "COUNT", "SIZE"});
  Node node = Node::make_map();
  for (const auto& share : shares) {
    rows.add({share.what, std::to_string(share.count), short_size(share.bytes)});
    Node& entry = node.set(share.what);
    entry = Node::make_map();
    entry.set("count", Node::make_integer(static_cast<std::int64_t>(share.count)));
    entry.set("bytes", Node::make_integer(static_cast<std::int64_t>(share.bytes)));
  }
  std::cout << (format == Format::table ? rows.text() : node_text(node, format));
  return exit_ok;
}

}  // namespace pausa::cli
