#include "cli/commands/commands.hpp"
#include "cli/inspect_object.hpp"
#include "cli/jobs.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/target.hpp"
#include "cli/template.hpp"
#include "cli/workloads.hpp"

#include <iostream>

namespace pausa::cli {
namespace {

constexpr Option table[]{
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

// A Job or CronJob is an object of its own; of the other kinds the pods are shown.
std::optional<pod::Node> job_named(const state::Store& store, const std::string& word,
                                   const std::optional<std::string>& namespace_) {
  const auto workload = workload_named(store, word, namespace_);
  if (!workload || pod::keeps_pods(workload->kind)) return std::nullopt;
  const state::JobStore jobs(store.paths());
  if (workload->kind == pod::WorkloadKind::cron_job) {
    if (auto object = jobs.read_cron_job(workload->key)) return object;
  } else if (const auto job = jobs.read(workload->key)) {
    return job_object(*job);
  }
  throw NoSuchObject("no " + workload->owner() + " in namespace " + workload->key.namespace_);
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
    try {
      if (auto job = job_named(store, word, options.get("namespace"))) {
        objects.push_back(std::move(*job));
        continue;
      }
      for (const auto& target : targets_of(store, word, options.get("namespace"))) {
        if (!target.container.empty())
          throw UsageError("inspect shows pods; the containers of " + target.key.name +
                           " are in its object, below status and pausa.containers");
        objects.push_back(object_of(store, target));
      }
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
