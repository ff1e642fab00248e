// What we refuse although an API server takes it: it would fail later, on the node, or is surely a
// slip. Each rule stands in differences.cpp as well, for docs/fields.md.
#include "pod/our_rules.hpp"

#include "pod/decode.hpp"
#include "pod/name_files.hpp"
#include "pod/own_annotations.hpp"
#include "pod/rules.hpp"
#include "pod/schema.hpp"
#include "pod/validate.hpp"

#include <algorithm>
#include <limits>
#include <map>

namespace pausa::pod {
namespace {

constexpr std::string_view media[] = {"", "Memory"};
constexpr std::size_t most_image_bytes = 4096;
// One argument or variable of execve(2): MAX_ARG_STRLEN, 32 pages.
constexpr std::size_t most_argument_bytes = 131072;
// Infra keeps the log pipes of each, those of the instance before as well for a moment, and the
// ports' sockets (infra/protocol.hpp: max_stored_fds).
constexpr std::size_t most_containers = 240;
constexpr std::int64_t longest_grace_seconds = 2147483647;

bool holds_nul(const Node& node) {
  return (node.is_string() && node.text.find('\0') != std::string::npos) ||
         std::any_of(node.items.begin(), node.items.end(), holds_nul) ||
         std::any_of(node.entries.begin(), node.entries.end(),
                     [](const Entry& entry) { return holds_nul(entry.value); });
}

void check_no_nul(const Value& value, Findings& findings) {
  if (!value.present() || !holds_nul(*value.node())) return;
  if (value.node()->is_string() && value.text().find('\0') != std::string_view::npos)
    findings.invalid(value, "must not contain a NUL byte");
  for (const Value& item : value.items()) check_no_nul(item, findings);
  if (value.node()->is_map())
    for (const Entry& entry : value.node()->entries) check_no_nul(value[entry], findings);
}

// "null" and "~" where text is wanted: the empty value, or the word? Nothing at all is clear.
void check_null_words(const Value& pod, Findings& findings) {
  for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
    for (const Value& container : pod["spec"][list].items()) {
      for (const Value& variable : container["env"].items()) {
        const Value value = variable["value"];
        if (!value.node() || !value.node()->is_null() || value.node()->text.empty()) continue;
        findings.type(value, "must be a string",
                      "quote it: " + quoted(value.node()->text) + ", or write \"\"");
      }
    }
  }
}

void check_count(const Value& spec, Findings& findings) {
  const Value containers = spec["containers"];
  const Value init = spec["initContainers"];
  if (containers.size() + init.size() > most_containers)
    findings.forbidden(containers, "not supported by pausa: more than " +
                                       std::to_string(most_containers) +
                                       " containers and init containers");
}

void check_meta(const Value& pod, Findings& findings) {
  const Value name = pod["metadata"]["name"];
  const Value prefix = pod["metadata"]["generateName"];
  if (name.text().empty() && !prefix.text().empty())
    findings.required(name, "no names are made up here; write metadata.name");
}

// The parts of a path, without empty ones and ".".
std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

void check_mount_path(const Value& path, bool privileged,
                      std::map<std::string, std::string_view>& seen, Findings& findings) {
  const std::string_view text = path.text();
  if (text.empty()) return;
  if (!text.starts_with('/')) {
    findings.invalid(path, "must be an absolute path");
    return;
  }
  if (text.find(':') != std::string_view::npos) findings.invalid(path, "must not contain ':'");
  const std::vector<std::string_view> parts = path_parts(text);
  if (contains(parts, "..")) {
    findings.invalid(path, "must not contain '..'");
    return;
  }
  // The same text twice is the API server's finding already.
  std::string plain;
  for (const std::string_view part : parts) plain.append("/").append(part);
  const auto [first, fresh] = seen.emplace(std::move(plain), text);
  if (!fresh && first->second != text) findings.invalid(path, "must be unique");
  if (parts.empty())
    findings.forbidden(path, "a volume cannot replace the root filesystem");
  else if (parts[0] == "proc")
    findings.forbidden(path, "/proc belongs to the pod");
  else if (parts.size() == 1 && (parts[0] == "sys" || parts[0] == "dev") && !privileged)
    findings.forbidden(path, std::string(text) + " belongs to the pod; mount below it");
}

void check_mounts_of(const Value& container, Findings& findings) {
  const bool privileged = container["securityContext"]["privileged"].truth().value_or(false);
  std::map<std::string, std::string_view> seen;  // plain spelling to the one used
  for (const Value& mount : container["volumeMounts"].items()) {
    check_mount_path(mount["mountPath"], privileged, seen, findings);
  }
}

// What is in memory, and what we write ourselves, is mounted in the pod alone.
bool is_private(const Value& volume) {
  return volume["emptyDir"]["medium"].is("Memory") || volume["configMap"].present() ||
         volume["secret"].present() || volume["downwardAPI"].present() ||
         volume["projected"].present() || volume["image"].present();
}

void check_propagation(const Value& container, const Value& spec, Findings& findings) {
  for (const Value& mount : container["volumeMounts"].items()) {
    const Value propagation = mount["mountPropagation"];
    if (!propagation.is("HostToContainer") && !propagation.is("Bidirectional")) continue;
    for (const Value& volume : spec["volumes"].items())
      if (volume["name"].is(mount["name"].text()) && is_private(volume))
        findings.forbidden(propagation,
                           "this volume is the pod's own: nothing of the host's is "
                           "mounted in it");
    if (propagation.is("Bidirectional") && !spec["hostUsers"].truth().value_or(true))
      findings.forbidden(propagation, "mounts of a user namespace are not for the host");
  }
}

// A fraction of a byte is a slip ("128m" for "128Mi"); a capped number is no limit.
void check_bytes(const Value& at, Findings& findings) {
  const auto amount = at.quantity();
  if (!amount) return;
  if (!amount->is_integer()) {
    findings.invalid(at, "must be a whole number of bytes");
    if (at.text().ends_with('m'))
      findings.hint("m means thousandths; did you mean \"" +
                    std::string(at.text().substr(0, at.text().size() - 1)) + "Mi\"?");
  } else if (*amount->value() == std::numeric_limits<std::int64_t>::max()) {
    findings.invalid(at, "is beyond 2^63 bytes");
  }
}

void check_resource(const Value& at, std::string_view name, Findings& findings) {
  if (name == "cpu") {
    const auto amount = at.quantity();
    if (amount && !amount->milli_value()) findings.invalid(at, "is more than any machine has");
  } else if (name == "memory" || name == "ephemeral-storage") {
    check_bytes(at, findings);
  } else if (name.find('/') != std::string_view::npos || name.starts_with("hugepages-")) {
    // Kubernetes itself refuses the others.
    findings.forbidden(
        at, "not supported by pausa: only cpu, memory and disk space are given out here");
  }
}

void check_argument(const Value& at, std::size_t more, Findings& findings) {
  if (at.text().size() + more >= most_argument_bytes)
    findings.too_long(at, most_argument_bytes - 1);
}

void check_process(const Value& container, Findings& findings) {
  const Value command = container["command"];
  if (command.size() > 0 && command.at(0).text().empty())
    findings.invalid(command.at(0), "must name a program");
  for (const Value& argument : command.items()) check_argument(argument, 0, findings);
  for (const Value& argument : container["args"].items()) check_argument(argument, 0, findings);
  for (const Value& variable : container["env"].items())
    check_argument(variable["value"], variable["name"].text().size() + 1, findings);
  const Value folder = container["workingDir"];
  if (!folder.text().empty() && !folder.text().starts_with('/'))
    findings.invalid(folder, "must be an absolute path");
  if (container["image"].text().size() > most_image_bytes)
    findings.too_long(container["image"], most_image_bytes);
}

void check_port(const Value& port, Findings& findings) {
  if (const Value ip = port["hostIP"]; !ip.text().empty())
    add_faults(ip, ip_faults(ip.text()), findings);
  if (port["protocol"].is("SCTP") && port["hostPort"].integer().value_or(0) != 0)
    findings.forbidden(port["hostPort"], "not supported by pausa: SCTP on a port of the host");
}

// Kubernetes compares the words. Three of them mean every address, where a port has one place to
// lead to.
void check_host_ports(const Value& spec, Findings& findings) {
  std::map<std::pair<std::string, std::int64_t>, Value> seen;
  for (const Value& container : spec["containers"].items())
    for (const Value& port : container["ports"].items()) {
      const std::string_view address = port["hostIP"].text();
      const std::int64_t number = port["hostPort"].integer().value_or(0);
      if (number == 0 || !(address.empty() || address == "0.0.0.0" || address == "::")) continue;
      const std::string protocol(port["protocol"].text());
      const auto [first, fresh] =
          seen.try_emplace({protocol.empty() ? "TCP" : protocol, number}, port);
      const auto leads_to = first->second["containerPort"].integer().value_or(0);
      if (fresh || first->second["hostIP"].text() == address ||
          leads_to == port["containerPort"].integer().value_or(0))
        continue;
      findings.invalid(port["hostPort"], "leads to port " + std::to_string(leads_to) +
                                             " already, on every address of the host");
    }
}

void check_container(const Value& container, Findings& findings) {
  check_process(container, findings);
  check_our_health_rules(container, findings);
  check_mounts_of(container, findings);
  for (const Value& port : container["ports"].items()) check_port(port, findings);
  for (const std::string_view list : {"limits", "requests"})
    for (const auto& [name, at] : container["resources"][list].entries())
      check_resource(at, name, findings);
}

void check_volume(const Value& volume, Findings& findings) {
  const std::span<const schema::Field> sources = schema::find_type("Volume")->fields;
  const bool has_source = std::any_of(sources.begin(), sources.end(), [&](const auto& field) {
    return field.type() && volume[field.name].present();
  });
  if (!has_source) {
    findings.required(volume, "must specify a volume type");
    findings.hint("write \"emptyDir: {}\" for a directory that lives as long as the pod");
  }
  if (const Value image = volume["image"]["reference"]; image.text().starts_with("host:"))
    findings.forbidden(image, "not an image; hostPath brings files of this machine");
  else if (image.text().size() > most_image_bytes)
    findings.too_long(image, most_image_bytes);
  const Value medium = volume["emptyDir"]["medium"];
  if (medium.text().starts_with("HugePages"))
    findings.forbidden(medium, "not supported by pausa: huge pages are not given out here");
  else
    check_choice(medium, media, findings);
  check_bytes(volume["emptyDir"]["sizeLimit"], findings);
}

// resolv.conf(5) has a line for all options, with blanks between them.
void check_dns_options(const Value& options, Findings& findings) {
  for (const Value& option : options.items())
    for (const std::string_view field : {"name", "value"})
      if (option[field].text().find_first_of(" \t\r\n") != std::string_view::npos)
        findings.invalid(option[field], "must not contain blanks or line breaks");
}

// The kubelet finds it when it makes the pod.
void check_full_hostname(const Value& pod, Findings& findings) {
  const Value spec = pod["spec"];
  if (!spec["setHostnameAsFQDN"].truth().value_or(false) || !pod["metadata"]["name"].present() ||
      spec["hostNetwork"].truth().value_or(false))
    return;
  Diagnostics ignored;
  const std::string name = kernel_hostname(decode_pod(*pod.node(), ignored));
  if (name.size() > most_hostname_bytes)
    findings.invalid(spec["setHostnameAsFQDN"],
                     "the full hostname " + name + " is longer than 64 bytes");
}

void check_spec(const Value& spec, Findings& findings) {
  const Value grace = spec["terminationGracePeriodSeconds"];
  check_range(grace, 0, longest_grace_seconds, findings);
  if (spec["os"]["name"].is("windows"))
    findings.forbidden(spec["os"]["name"], "not supported by pausa: containers run on Linux");
  if (spec["hostNetwork"].truth().value_or(false) && !spec["hostname"].text().empty())
    findings.invalid(spec["hostname"], "has no effect with `hostNetwork`: the host's name is used");
}

}  // namespace

void check_our_rules(const Value& pod, const ValidateOptions& options, Findings& findings) {
  const Value spec = pod["spec"];
  check_no_nul(pod, findings);
  check_null_words(pod, findings);
  check_meta(pod, findings);
  for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"})
    for (const Value& container : spec[list].items()) {
      check_container(container, findings);
      check_propagation(container, spec, findings);
    }
  for (const Value& volume : spec["volumes"].items()) check_volume(volume, findings);
  check_spec(spec, findings);
  check_count(spec, findings);
  check_host_ports(spec, findings);
  check_dns_options(spec["dnsConfig"]["options"], findings);
  check_full_hostname(pod, findings);
  check_proxied_ports(pod, options, findings);
  check_our_env_rules(spec, findings);
  check_our_security_rules(pod, options, findings);
}

}  // namespace pausa::pod
