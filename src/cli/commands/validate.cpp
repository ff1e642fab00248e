#include "cli/commands/commands.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/variables.hpp"
#include "image/image.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"

#include <unistd.h>

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
    {"file,f", "FILE", "a manifest; \"-\" is standard input, a folder all manifests in it"},
    {"env-file", "FILE", "put the values of its lines NAME=VALUE in for ${NAME}"},
    {"set", "NAME[=VALUE]", "likewise this one, which must be of use; no value: our environment's"},
    {"output,o", "FORMAT", "table (sentences), json or yaml"},
    {"quiet,q", nullptr, "only the exit code"}};

const char* severity_name(pod::Severity severity) {
  switch (severity) {
    case pod::Severity::error:
      return "error";
    case pod::Severity::warning:
      return "warning";
    case pod::Severity::note:
      return "note";
  }
  return "";
}

// An image that nothing here could be is found without a look at the machine, too.
void check_images(const manifest::LoadedPod& loaded, manifest::LoadResult& result) {
  for (const char* field : {"initContainers", "containers"}) {
    const auto* spec = loaded.object.find("spec");
    const auto* list = spec != nullptr ? spec->find(field) : nullptr;
    if (list == nullptr) continue;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const auto* image = list->items[i].find("image");
      if (image == nullptr || !image->is_string()) continue;
      const auto fault = image::check_reference(image->text);
      if (fault.empty()) continue;
      pod::Diagnostic finding;
      finding.kind = pod::ErrorKind::invalid;
      finding.file = result.sources[loaded.source].name;
      finding.mark = image->mark;
      finding.path =
          loaded.prefix + "spec." + std::string(field) + "[" + std::to_string(i) + "].image";
      finding.value = "\"" + image->text + "\"";
      finding.text = fault;
      result.diagnostics.push_back(std::move(finding));
    }
  }
}

pod::Node finding_node(const pod::Diagnostic& finding) {
  using pod::Node;
  Node node = Node::make_map();
  const auto set = [&node](const char* key, const std::string& value) {
    if (!value.empty()) node.set(key, Node::make_string(value));
  };
  set("severity", severity_name(finding.severity));
  set("file", finding.file);
  if (finding.mark.line != 0) {
    node.set("line", Node::make_integer(finding.mark.line));
    node.set("column", Node::make_integer(finding.mark.column));
  }
  set("field", finding.path);
  set("kind", std::string(pod::kind_text(finding.kind)));
  set("message", pod::message(finding));
  set("hint", finding.hint);
  return node;
}

pod::Node report_node(const manifest::LoadResult& loaded, bool valid) {
  using pod::Node;
  Node node = Node::make_map();
  node.set("valid", Node::make_boolean(valid));
  Node pods = Node::make_list();
  for (const auto& entry : loaded.pods) {
    Node pod = Node::make_map();
    pod.set("file", Node::make_string(loaded.sources[entry.source].name));
    pod.set("name", Node::make_string(entry.pod.metadata.name));
    pod.set("namespace", Node::make_string(entry.pod.metadata.namespace_));
    pods.push(std::move(pod));
  }
  node.set("pods", std::move(pods));
  Node findings = Node::make_list();
  for (const auto& finding : loaded.diagnostics) findings.push(finding_node(finding));
  node.set("findings", std::move(findings));
  return node;
}

}  // namespace

std::string validate_options() {
  return options_help(table);
}

int run_validate(const Arguments& arguments) {
  const Options options(table, arguments);
  const auto format = output_format(options, {Format::table, Format::json, Format::yaml});
  auto files = options.all("file");
  files.insert(files.end(), options.words().begin(), options.words().end());
  if (files.empty()) throw UsageError("validate needs a manifest");
  auto loaded = manifest::load_paths(files, {}, variables_from(options).get());
  if (!pod::has_errors(loaded.diagnostics)) require_used(options, loaded.variables);
  for (const auto& entry : loaded.pods) check_images(entry, loaded);
  for (const auto& entry : loaded.workloads)
    if (entry.sample) check_images(*entry.sample, loaded);
  manifest::sort_and_dedupe(loaded.diagnostics, loaded.sources);
  const bool valid = !pod::has_errors(loaded.diagnostics);
  const int code = valid ? exit_ok : exit_manifest;
  if (options.has("quiet")) return code;
  if (format != Format::table) {
    std::cout << node_text(report_node(loaded, valid), format);
    return code;
  }
  std::cerr << manifest::render_all(loaded.diagnostics, loaded.sources,
                                    ::isatty(STDERR_FILENO) == 1, "");
  if (valid)
    for (const auto& entry : loaded.pods)
      std::cout << loaded.sources[entry.source].name << ": pod/" << entry.pod.metadata.name
                << " is valid\n";
  if (valid)
    for (const auto& entry : loaded.workloads)
      if (entry.sample)
        std::cout << loaded.sources[entry.source].name << ": "
                  << pod::workload_words(entry.workload.kind, entry.workload.metadata.name)
                  << " is valid\n";
  return code;
}

}  // namespace pausa::cli
