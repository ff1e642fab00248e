// Environment variables and where their values come from.
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view env_fields[] = {"metadata.name",
                                           "metadata.namespace",
                                           "metadata.uid",
                                           "spec.nodeName",
                                           "spec.serviceAccountName",
                                           "status.hostIP",
                                           "status.hostIPs",
                                           "status.podIP",
                                           "status.podIPs"};
// Fields that the API knows, though not all of them may be used everywhere.
constexpr std::string_view known_fields[] = {
    "metadata.annotations", "metadata.labels",    "metadata.name",
    "metadata.namespace",   "metadata.uid",       "spec.nodeName",
    "spec.restartPolicy",   "spec.schedulerName", "spec.serviceAccountName",
    "status.hostIP",        "status.hostIPs",     "status.phase",
    "status.podIP",         "status.podIPs",      "spec.host"};
constexpr std::string_view resource_fields[] = {
    "limits.cpu",   "limits.ephemeral-storage",   "limits.memory",
    "requests.cpu", "requests.ephemeral-storage", "requests.memory"};
constexpr std::string_view cpu_divisors[] = {"1m", "1"};
constexpr std::string_view byte_divisors[] = {"1",   "1k",  "1M",  "1G",  "1T",  "1P", "1E",
                                              "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"};

// metadata.labels['key'] in parts; empty key when there is no subscript.
struct FieldPath {
  std::string_view path;
  std::string_view key;
  bool subscripted = false;
};

FieldPath split_subscript(std::string_view text) {
  const std::size_t open = text.find("['");
  if (!text.ends_with("']") || open == std::string_view::npos || open == 0)
    return {text, {}, false};
  return {text.substr(0, open), text.substr(open + 2, text.size() - open - 4), true};
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

void check_subscript(const Value& ref, const Value& field, const FieldPath& parts,
                     Findings& findings) {
  const bool labels = parts.path == "metadata.labels";
  if (!labels && parts.path != "metadata.annotations") {
    findings.invalid(field, "error converting fieldPath: field label does not support subscript: " +
                                std::string(parts.path));
    return;
  }
  const std::string key = labels ? std::string(parts.key) : lower_case(parts.key);
  for (const std::string& fault : qualified_name_faults(key))
    findings.invalid(ref, quoted(parts.key), fault);
}

void check_key_ref(const Value& ref, Findings& findings) {
  check_object_name(ref["name"], findings);
  const Value key = ref["key"];
  if (check_required(key, findings)) add_faults(key, config_key_faults(key.text()), findings);
}

void check_file_key_ref(const Value& ref, Findings& findings) {
  const Value key = ref["key"];
  if (check_required(key, findings)) add_faults(key, env_name_faults(key.text()), findings);
  check_required(ref["volumeName"], findings);
  if (check_required(ref["path"], findings)) check_free_relative_path(ref["path"], findings);
}

void check_value_from(const Value& variable, Findings& findings) {
  const Value from = variable["valueFrom"];
  if (!from.present()) return;
  int sources = 0;
  if (const Value ref = from["fieldRef"]; ref.present()) {
    ++sources;
    check_field_ref(ref, env_fields, findings);
  }
  if (const Value ref = from["resourceFieldRef"]; ref.present()) {
    ++sources;
    check_resource_field_ref(ref, false, findings);
  }
  for (const std::string_view kind : {"configMapKeyRef", "secretKeyRef"}) {
    if (!from[kind].present()) continue;
    ++sources;
    check_key_ref(from[kind], findings);
  }
  if (const Value ref = from["fileKeyRef"]; ref.present()) {
    ++sources;
    check_file_key_ref(ref, findings);
  }
  if (!variable["value"].text().empty()) {
    if (sources > 0)
      findings.invalid(from, "\"\"", "may not be specified when `value` is not empty");
  } else if (sources == 0) {
    findings.invalid(from, "\"\"",
                     "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, "
                     "`secretKeyRef` or `fileKeyRef`");
  }
  if (sources > 1)
    findings.invalid(from, "\"\"", "may not have more than one field specified at a time");
}

void check_env_from(const Value& source, Findings& findings) {
  const Value prefix = source["prefix"];
  if (!prefix.text().empty()) add_faults(prefix, env_name_faults(prefix.text()), findings);
  int sources = 0;
  for (const std::string_view kind : {"configMapRef", "secretRef"}) {
    if (!source[kind].present()) continue;
    ++sources;
    check_object_name(source[kind]["name"], findings);
  }
  if (sources == 0)
    findings.invalid(source, "\"\"", "must specify one of: `configMapRef` or `secretRef`");
  if (sources > 1)
    findings.invalid(source, "\"\"", "may not have more than one field specified at a time");
}

}  // namespace

void check_field_ref(const Value& ref, Names allowed, Findings& findings) {
  const Value field = ref["fieldPath"];
  if (!check_required(field, findings)) return;
  const FieldPath parts = split_subscript(field.text());
  if (parts.subscripted) return check_subscript(ref, field, parts, findings);
  if (!contains(known_fields, parts.path)) {
    findings.invalid(
        field, "error converting fieldPath: field label not supported: " + std::string(parts.path));
  } else if (!contains(allowed, parts.path) && parts.path != "spec.host") {
    findings.unsupported(field, allowed);
  }
}

void check_resource_field_ref(const Value& ref, bool needs_container, Findings& findings) {
  const Value resource = ref["resource"];
  if (needs_container && ref["containerName"].text().empty()) {
    findings.required(ref["containerName"]);
  } else if (resource.text().empty()) {
    findings.required(resource);
  } else if (!contains(resource_fields, resource.text()) &&
             !resource.text().starts_with("limits.hugepages-") &&
             !resource.text().starts_with("requests.hugepages-")) {
    findings.unsupported(resource, resource_fields);
  }
  const auto divisor = ref["divisor"].quantity();
  if (!divisor || divisor->sign() == 0) return;
  const bool cpu = resource.text().ends_with(".cpu");
  const Names divisors = cpu ? Names(cpu_divisors) : Names(byte_divisors);
  for (const std::string_view known : divisors)
    if (*parse_quantity(known) == *divisor) return;
  findings.invalid(ref["divisor"],
                   cpu ? "only divisor's values 1m and 1 are supported with the cpu resource"
                       : "only 1 or a power of 1000 or 1024 is supported");
}

void check_env(const Value& container, Findings& findings) {
  for (const Value& variable : container["env"].items()) {
    const Value name = variable["name"];
    if (check_required(name, findings)) add_faults(name, env_name_faults(name.text()), findings);
    check_value_from(variable, findings);
  }
  for (const Value& source : container["envFrom"].items()) check_env_from(source, findings);
}

}  // namespace pausa::pod
