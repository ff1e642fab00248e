// Security contexts of the pod and of its containers, sysctls, and the old annotations.
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view profile_types[] = {"Localhost", "RuntimeDefault", "Unconfined"};
constexpr std::string_view proc_mounts[] = {"Default", "Unmasked"};
constexpr std::string_view change_policies[] = {"Always", "OnRootMismatch"};
constexpr std::string_view group_policies[] = {"Merge", "Strict"};
constexpr std::string_view label_policies[] = {"Recursive"};
constexpr std::int64_t most_id = 2147483647;
constexpr std::size_t most_profile_bytes = 4095;
constexpr std::size_t most_sysctl_bytes = 253;
constexpr std::string_view seccomp_pod = "seccomp.security.alpha.kubernetes.io/pod";
constexpr std::string_view seccomp_container = "container.seccomp.security.alpha.kubernetes.io/";
constexpr std::string_view apparmor_container = "container.apparmor.security.beta.kubernetes.io/";

void check_profile_type(const Value& type, std::string_view owner, Findings& findings) {
  if (type.text().empty())
    findings.required(type, "type is required when " + std::string(owner) + " is set");
  else
    check_choice(type, profile_types, findings);
}

void check_seccomp(const Value& profile, Findings& findings) {
  if (!profile.present()) return;
  const Value type = profile["type"];
  const Value file = profile["localhostProfile"];
  check_profile_type(type, "seccompProfile", findings);
  if (type.is("Localhost")) {
    if (!file.present())
      findings.required(file, "must be set when seccomp type is Localhost");
    else
      check_relative_path(file, findings);
  } else if (file.present()) {
    findings.invalid(file, "can only be set when seccomp type is Localhost");
  }
}

void check_apparmor(const Value& profile, Findings& findings) {
  if (!profile.present()) return;
  const Value type = profile["type"];
  const Value name = profile["localhostProfile"];
  check_profile_type(type, "appArmorProfile", findings);
  if (type.is("Localhost")) {
    const std::string_view text = name.text();
    if (text.empty())
      findings.required(name, "must be set when AppArmor type is Localhost");
    else if (text.front() == ' ' || text.back() == ' ')
      findings.invalid(name, "must not be padded with whitespace");
    if (text.size() > most_profile_bytes) findings.too_long(name, most_profile_bytes);
  } else if (name.present()) {
    findings.invalid(name, "can only be set when AppArmor type is Localhost");
  }
}

void check_windows(const Value& context, const PodFacts& facts, Findings& findings) {
  const Value options = context["windowsOptions"];
  if (options.present() && facts.names_os && !facts.windows)
    findings.forbidden(options, "windows options cannot be set for a linux pod");
  if (!facts.windows) return;
  for (const std::string_view field :
       {"seLinuxOptions", "seccompProfile", "appArmorProfile", "capabilities",
        "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation", "procMount",
        "runAsUser", "runAsGroup", "fsGroup", "fsGroupChangePolicy", "sysctls",
        "supplementalGroups", "supplementalGroupsPolicy"})
    if (context[field].present())
      findings.forbidden(context[field], "cannot be set for a windows pod");
}

void check_ids(const Value& context, Findings& findings) {
  for (const std::string_view field : {"runAsUser", "runAsGroup", "fsGroup"})
    check_range(context[field], 0, most_id, findings);
}

void check_sysctls(const Value& spec, const Value& sysctls, Findings& findings) {
  Seen seen;
  const bool host_network = spec["hostNetwork"].truth().value_or(false);
  const bool host_ipc = spec["hostIPC"].truth().value_or(false);
  for (const Value& sysctl : sysctls.items()) {
    const Value name = sysctl["name"];
    if (!check_required(name, findings)) continue;
    if (!is_sysctl_name(name.text())) {
      findings.invalid(name,
                       "must have at most 253 characters and match regex "
                       "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
    } else if (!seen.add(name.text())) {
      findings.duplicate(name);
    }
    const std::string plain = dotted_sysctl(name.text());
    const bool ipc = plain.starts_with("kernel.shm") || plain.starts_with("kernel.msg") ||
                     plain == "kernel.sem" || plain.starts_with("fs.mqueue.");
    if (host_network && plain.starts_with("net."))
      findings.invalid(name, "may not be specified when `hostNetwork` is true");
    if (host_ipc && ipc) findings.invalid(name, "may not be specified when `hostIPC` is true");
  }
}

void check_host_users(const Value& spec, Findings& findings) {
  if (spec["hostUsers"].truth().value_or(true)) return;
  for (const std::string_view field : {"hostNetwork", "hostPID", "hostIPC"})
    if (spec[field].truth().value_or(false))
      findings.forbidden(spec[field], "when `hostUsers` is false");
}

void check_seccomp_annotation(const Value& at, Findings& findings) {
  constexpr std::string_view file_prefix = "localhost/";
  const std::string_view profile = at.text();
  if (profile == "runtime/default" || profile == "docker/default" || profile == "unconfined")
    return;
  if (!profile.starts_with(file_prefix)) {
    findings.invalid(at, "must be a valid seccomp profile");
    return;
  }
  const std::string_view file = profile.substr(file_prefix.size());
  if (file.starts_with('/')) findings.invalid(at, quoted(file), "must be a relative path");
  if (file == ".." || file.starts_with("../") || file.find("/../") != std::string_view::npos ||
      file.ends_with("/.."))
    findings.invalid(at, quoted(file), "must not contain '..'");
}

const char* seccomp_type_of(std::string_view annotation) {
  if (annotation == "unconfined") return "Unconfined";
  return annotation.starts_with("localhost/") ? "Localhost" : "RuntimeDefault";
}

// The same profile, if it is named twice.
void compare_seccomp(const Value& annotation, const Value& profile, Findings& findings) {
  if (!annotation.present() || !profile.present()) return;
  if (!profile["type"].is(seccomp_type_of(annotation.text())))
    findings.forbidden(profile["type"], "seccomp type in annotation and field must match");
}

void compare_apparmor(const Value& annotation, const Value& profile, Findings& findings) {
  if (!annotation.present() || !profile.present()) return;
  const std::string_view text = annotation.text();
  constexpr std::string_view file_prefix = "localhost/";
  const bool local = text.starts_with(file_prefix);
  const std::string_view type =
      text == "unconfined" ? "Unconfined" : (local ? "Localhost" : "RuntimeDefault");
  if (!profile["type"].is(type))
    findings.forbidden(profile["type"], "apparmor type in annotation and field must match");
  else if (local && !profile["localhostProfile"].is(text.substr(file_prefix.size())))
    findings.forbidden(profile["localhostProfile"],
                       "apparmor profile in annotation and field must match");
}

void check_apparmor_annotation(const Value& at, std::string_view container, const Value& spec,
                               Findings& findings) {
  const auto names = [&](const Value& list) {
    const std::vector<Value> items = list.items();
    return std::any_of(items.begin(), items.end(),
                       [&](const Value& item) { return item["name"].is(container); });
  };
  if (!names(spec["containers"]) && !names(spec["initContainers"])) {
    findings.invalid(at, quoted(container), "container not found");
    return;
  }
  const std::string_view profile = at.text();
  if (!profile.empty() && profile != "runtime/default" && profile != "unconfined" &&
      !profile.starts_with("localhost/"))
    findings.invalid(at, "invalid AppArmor profile name: " + quoted(profile));
}

}  // namespace

bool is_sysctl_name(std::string_view name) {
  if (name.empty() || name.size() > most_sysctl_bytes) return false;
  const auto is_end = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (;;) {
    const std::size_t stop = name.find_first_of("./");
    const std::string_view word = name.substr(0, stop);
    if (word.empty() || !is_end(word.front()) || !is_end(word.back()) ||
        !std::all_of(word.begin(), word.end(),
                     [&](char c) { return is_end(c) || c == '-' || c == '_'; }))
      return false;
    if (stop == std::string_view::npos) return true;
    name.remove_prefix(stop + 1);
  }
}

std::string dotted_sysctl(std::string_view name) {
  std::string out(name);
  const std::size_t first = out.find_first_of("./");
  if (first != std::string::npos && out[first] == '/')
    for (char& c : out) c = c == '/' ? '.' : (c == '.' ? '/' : c);
  return out;
}

void check_security_context(const Value& context, const PodFacts& facts, Findings& findings) {
  if (!context.present()) return;
  check_windows(context, facts, findings);
  check_ids(context, findings);
  const Value proc = context["procMount"];
  check_choice(proc, proc_mounts, findings);
  if (proc.is("Unmasked") && !facts.private_users)
    findings.invalid(proc, "`hostUsers` must be false to use `Unmasked`");
  if (!context["allowPrivilegeEscalation"].truth().value_or(true)) {
    for (const Value& added : context["capabilities"]["add"].items())
      if (added.is("CAP_SYS_ADMIN"))
        findings.invalid(context,
                         "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                         "CAP_SYS_ADMIN");
    if (context["privileged"].truth().value_or(false))
      findings.invalid(context,
                       "cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
  }
  check_seccomp(context["seccompProfile"], findings);
  check_apparmor(context["appArmorProfile"], findings);
}

void check_pod_security(const Value& spec, Findings& findings) {
  const Value context = spec["securityContext"];
  const PodFacts facts(spec);
  check_host_users(spec, findings);
  if (spec["shareProcessNamespace"].truth().value_or(false) &&
      spec["hostPID"].truth().value_or(false))
    findings.invalid(spec["shareProcessNamespace"],
                     "ShareProcessNamespace and HostPID cannot both be enabled");
  check_windows(context, facts, findings);
  check_ids(context, findings);
  for (const Value& group : context["supplementalGroups"].items())
    check_range(group, 0, most_id, findings);
  check_sysctls(spec, context["sysctls"], findings);
  check_choice(context["fsGroupChangePolicy"], change_policies, findings);
  check_choice(context["supplementalGroupsPolicy"], group_policies, findings);
  check_choice(context["seLinuxChangePolicy"], label_policies, findings);
  check_seccomp(context["seccompProfile"], findings);
  check_apparmor(context["appArmorProfile"], findings);
}

void check_pod_annotations(const Value& pod, Findings& findings) {
  const Value spec = pod["spec"];
  const Value annotations = pod["metadata"]["annotations"];
  const Value mirror = annotations.key("kubernetes.io/config.mirror");
  if (mirror.present()) {
    if (spec["nodeName"].text().empty())
      findings.invalid(mirror, "must set spec.nodeName if mirror pod annotation is set");
    if (spec["resourceClaims"].size() > 0)
      findings.forbidden(spec["resourceClaims"], "static pods do not support resource claims");
  }
  for (const auto& [key, value] : annotations.entries()) {
    if (key == seccomp_pod || key.starts_with(seccomp_container))
      check_seccomp_annotation(value, findings);
    if (key.starts_with(apparmor_container))
      check_apparmor_annotation(value, key.substr(apparmor_container.size()), spec, findings);
  }
  compare_seccomp(annotations.key(seccomp_pod), spec["securityContext"]["seccompProfile"],
                  findings);
  for (const std::string_view list : {"containers", "initContainers"}) {
    for (const Value& container : spec[list].items()) {
      const std::string name(container["name"].text());
      const Value context = container["securityContext"];
      compare_seccomp(annotations.key(std::string(seccomp_container) + name),
                      context["seccompProfile"], findings);
      compare_apparmor(annotations.key(std::string(apparmor_container) + name),
                       context["appArmorProfile"], findings);
    }
  }
}

}  // namespace pausa::pod
