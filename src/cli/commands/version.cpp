#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"

#include <sys/utsname.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"output,o", "FORMAT", "table, json or yaml"}};

constexpr const char* compiler =
#ifdef __clang__
    "clang " __clang_version__;
#else
    "g++ " __VERSION__;
#endif

}  // namespace

std::string version_options() {
  return options_help(table);
}

int run_version(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto format = output_format(options, {Format::table, Format::json, Format::yaml});
  utsname machine{};
  (void)::uname(&machine);
  const std::string build = PAUSA_BUILD_TYPE;
  const std::string linkage = PAUSA_STATIC_LINK ? "static" : "dynamic";
  if (format == Format::table) {
    std::cout << "pausa " << PAUSA_VERSION << "\n"
              << "build: " << build << ", " << linkage << ", " << compiler << "\n"
              << "kernel: " << machine.sysname << " " << machine.release << " " << machine.machine
              << "\n";
    return exit_ok;
  }
  using pod::Node;
  Node node = Node::make_map();
  node.set("version", Node::make_string(PAUSA_VERSION));
  Node how = Node::make_map();
  how.set("type", Node::make_string(build));
  how.set("linkage", Node::make_string(linkage));
  how.set("compiler", Node::make_string(compiler));
  node.set("build", std::move(how));
  Node kernel = Node::make_map();
  kernel.set("release", Node::make_string(machine.release));
  kernel.set("machine", Node::make_string(machine.machine));
  node.set("kernel", std::move(kernel));
  // What a script may ask for before it relies on it.
  Node features = Node::make_list();
  for (const char* feature : {"pod", "list", "rootless", "time-namespace", "user-namespace"})
    features.push(Node::make_string(feature));
  node.set("features", std::move(features));
  std::cout << node_text(node, format);
  return exit_ok;
}

}  // namespace pausa::cli
