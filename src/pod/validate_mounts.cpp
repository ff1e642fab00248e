// Ports, and where volumes appear in a container.
#include "pod/rules.hpp"
#include "pod/suggest.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view protocols[] = {"SCTP", "TCP", "UDP"};
constexpr std::string_view propagations[] = {"Bidirectional", "HostToContainer", "None"};
constexpr std::string_view recursive_modes[] = {"Disabled", "IfPossible", "Enabled"};
constexpr std::int64_t most_port = 65535;
constexpr std::size_t most_suggestions = 100;  // to look through

void check_propagation(const Value& mount, bool privileged, Findings& findings) {
  const Value propagation = mount["mountPropagation"];
  if (!propagation.present()) return;
  if (!contains(propagations, propagation.text()))
    findings.unsupported(propagation, propagations);
  else if (propagation.is("Bidirectional") && !privileged)
    findings.forbidden(
        propagation, "Bidirectional mount propagation is available only to privileged containers");
}

void check_recursive_read_only(const Value& mount, Findings& findings) {
  const Value recursive = mount["recursiveReadOnly"];
  if (!recursive.present() || recursive.is("Disabled")) return;
  if (!contains(recursive_modes, recursive.text())) {
    findings.unsupported(recursive, recursive_modes);
    return;
  }
  if (!mount["readOnly"].truth().value_or(false))
    findings.forbidden(recursive, "may only be specified when readOnly is true");
  const Value propagation = mount["mountPropagation"];
  if (propagation.present() && !propagation.is("None"))
    findings.forbidden(recursive,
                       "may only be specified when mountPropagation is None or not specified");
}

void check_sub_path(const Value& mount, Findings& findings) {
  check_relative_path(mount["subPath"], findings);
  const Value expression = mount["subPathExpr"];
  if (expression.text().empty()) return;
  if (!mount["subPath"].text().empty())
    findings.invalid(expression, "subPathExpr and subPath are mutually exclusive");
  check_relative_path(expression, findings);
}

void check_devices(const Value& devices, const PodFacts& facts, Findings& findings) {
  Seen names;
  Seen paths;
  for (const Value& device : devices.items()) {
    const Value name = device["name"];
    const Value path = device["devicePath"];
    if (check_required(name, findings)) {
      if (!names.add(name.text())) findings.invalid(name, "must be unique");
      if (!contains(facts.volumes, name.text())) findings.not_found(name);
    }
    if (check_required(path, findings) && !paths.add(path.text()))
      findings.invalid(path, "must be unique");
  }
}

}  // namespace

void check_ports(const Value& ports, Findings& findings) {
  Seen names;
  for (const Value& port : ports.items()) {
    const Value name = port["name"];
    if (!name.text().empty()) {
      const Faults faults = port_name_faults(name.text());
      add_faults(name, faults, findings);
      if (!names.add(name.text()) && faults.empty()) findings.duplicate(name);
    }
    const Value number = port["containerPort"];
    if (number.integer().value_or(0) == 0)
      findings.required(number);
    else
      check_range(number, 1, most_port, findings);
    if (port["hostPort"].integer().value_or(0) != 0)
      check_range(port["hostPort"], 1, most_port, findings);
    check_choice(port["protocol"], protocols, findings);
  }
}

void check_mounts(const Value& container, const PodFacts& facts, Findings& findings) {
  const bool privileged = container["securityContext"]["privileged"].truth().value_or(false);
  std::unordered_set<std::string_view> device_names;
  for (const Value& device : container["volumeDevices"].items())
    device_names.insert(device["name"].text());
  Seen paths;
  for (const Value& mount : container["volumeMounts"].items()) {
    const Value name = mount["name"];
    check_required(name, findings);
    if (!contains(facts.volumes, name.text())) {
      findings.not_found(name);
      const Names candidates =
          Names(facts.volume_names).first(std::min(facts.volume_names.size(), most_suggestions));
      if (const auto near = closest(name.text(), candidates))
        findings.hint("did you mean " + quoted(*near) + "?");
    }
    const Value path = mount["mountPath"];
    if (check_required(path, findings) && !paths.add(path.text()))
      findings.invalid(path, "must be unique");
    if (!name.text().empty() && contains(device_names, name.text()))
      findings.invalid(name, "must not already exist in volumeDevices");
    check_sub_path(mount, findings);
    check_propagation(mount, privileged, findings);
    check_recursive_read_only(mount, findings);
  }
  check_devices(container["volumeDevices"], facts, findings);
}

}  // namespace pausa::pod
