// References within the pod that an API server takes and that would fail, or lie, on the node.
#include "pod/our_rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

// Those whose resources a reference may name: all but the ephemeral ones.
bool has_container(const Value& spec, std::string_view name) {
  for (const std::string_view list : {"containers", "initContainers"}) {
    const auto containers = spec[list].items();
    if (std::any_of(containers.begin(), containers.end(),
                    [&](const Value& container) { return container["name"].is(name); }))
      return true;
  }
  return false;
}

void check_resource_ref(const Value& spec, const Value& ref, Findings& findings) {
  const Value name = ref["containerName"];
  if (!name.text().empty() && !has_container(spec, name.text()))
    findings.not_found(name, "the pod has no such container");
}

// The file is read by the host: in an emptyDir it can be found without trusting the container.
void check_file_ref(const Value& spec, const Value& ref, Findings& findings) {
  const Value name = ref["volumeName"];
  if (name.text().empty()) return;
  for (const Value& volume : spec["volumes"].items()) {
    if (!volume["name"].is(name.text())) continue;
    if (!volume["emptyDir"].node())
      findings.invalid(name, "must be the name of a volume that is an emptyDir");
    return;
  }
  findings.not_found(name, "the pod has no such volume");
}

void check_items(const Value& spec, const Value& source, Findings& findings) {
  for (const Value& item : source["items"].items())
    check_resource_ref(spec, item["resourceFieldRef"], findings);
}

}  // namespace

void check_our_env_rules(const Value& spec, Findings& findings) {
  for (const std::string_view list : {"initContainers", "containers"}) {
    for (const Value& container : spec[list].items()) {
      for (const Value& variable : container["env"].items()) {
        check_resource_ref(spec, variable["valueFrom"]["resourceFieldRef"], findings);
        check_file_ref(spec, variable["valueFrom"]["fileKeyRef"], findings);
      }
    }
  }
  for (const Value& volume : spec["volumes"].items()) {
    check_items(spec, volume["downwardAPI"], findings);
    for (const Value& source : volume["projected"]["sources"].items())
      check_items(spec, source["downwardAPI"], findings);
  }
}

}  // namespace pausa::pod
