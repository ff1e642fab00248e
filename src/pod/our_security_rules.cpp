#include "pod/our_rules.hpp"
#include "pod/rules.hpp"
#include "pod/suggest.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view capabilities[] = {"ALL",
                                             "AUDIT_CONTROL",
                                             "AUDIT_READ",
                                             "AUDIT_WRITE",
                                             "BLOCK_SUSPEND",
                                             "BPF",
                                             "CHECKPOINT_RESTORE",
                                             "CHOWN",
                                             "DAC_OVERRIDE",
                                             "DAC_READ_SEARCH",
                                             "FOWNER",
                                             "FSETID",
                                             "IPC_LOCK",
                                             "IPC_OWNER",
                                             "KILL",
                                             "LEASE",
                                             "LINUX_IMMUTABLE",
                                             "MAC_ADMIN",
                                             "MAC_OVERRIDE",
                                             "MKNOD",
                                             "NET_ADMIN",
                                             "NET_BIND_SERVICE",
                                             "NET_BROADCAST",
                                             "NET_RAW",
                                             "PERFMON",
                                             "SETFCAP",
                                             "SETGID",
                                             "SETPCAP",
                                             "SETUID",
                                             "SYSLOG",
                                             "SYS_ADMIN",
                                             "SYS_BOOT",
                                             "SYS_CHROOT",
                                             "SYS_MODULE",
                                             "SYS_NICE",
                                             "SYS_PACCT",
                                             "SYS_PTRACE",
                                             "SYS_RAWIO",
                                             "SYS_RESOURCE",
                                             "SYS_TIME",
                                             "SYS_TTY_CONFIG",
                                             "WAKE_ALARM"};

// Kubernetes' safe set: namespaced, and of no concern to other pods.
constexpr std::string_view safe_sysctls[] = {"kernel.shm_rmid_forced",
                                             "net.ipv4.ip_local_port_range",
                                             "net.ipv4.tcp_syncookies",
                                             "net.ipv4.ping_group_range",
                                             "net.ipv4.ip_unprivileged_port_start",
                                             "net.ipv4.ip_local_reserved_ports",
                                             "net.ipv4.tcp_keepalive_time",
                                             "net.ipv4.tcp_fin_timeout",
                                             "net.ipv4.tcp_keepalive_intvl",
                                             "net.ipv4.tcp_keepalive_probes",
                                             "net.ipv4.tcp_rmem",
                                             "net.ipv4.tcp_wmem"};

bool is_namespaced(std::string_view name) {
  return name.starts_with("net.") || name.starts_with("fs.mqueue.") ||
         name.starts_with("kernel.shm") || name.starts_with("kernel.msg") || name == "kernel.sem";
}

bool matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

void check_sysctl(const Value& sysctl, const ValidateOptions& options, Findings& findings) {
  const Value name = sysctl["name"];
  const std::string plain = dotted_sysctl(name.text());
  if (!is_sysctl_name(name.text())) return;
  const bool allowed =
      std::any_of(options.unsafe_sysctls.begin(), options.unsafe_sysctls.end(),
                  [&](const std::string& pattern) { return matches(pattern, plain); });
  if (!is_namespaced(plain)) {
    findings.forbidden(name, "is not namespaced: it would change the whole machine");
  } else if (!contains(safe_sysctls, plain) && !allowed) {
    findings.forbidden(name, "is outside the safe set");
    findings.hint("allow it with --allow-unsafe-sysctls=" + plain);
  }
  // A line break or NUL would end the write to /proc/sys half-way.
  if (sysctl["value"].text().find_first_of(std::string_view("\n\0", 2)) != std::string_view::npos)
    findings.invalid(sysctl["value"], "must be one line");
}

// An empty name would select no profile at all (CVE-2023-2431).
void check_profile(const Value& context, Findings& findings) {
  const Value profile = context["seccompProfile"];
  const Value file = profile["localhostProfile"];
  if (profile["type"].is("Localhost") && file.present() && file.text().empty())
    findings.required(file, "must be set when seccomp type is Localhost");
}

void check_capability(const Value& at, Findings& findings) {
  const std::string_view plain = plain_capability(at.text());
  if (is_capability(plain)) return;
  findings.invalid(at, "is no capability");
  if (const auto near = closest(plain, capabilities))
    findings.hint("did you mean " + quoted(*near) + "?");
}

void check_capabilities(const Value& context, Findings& findings) {
  const Value add = context["capabilities"]["add"];
  const Value drop = context["capabilities"]["drop"];
  const bool no_gain = !context["allowPrivilegeEscalation"].truth().value_or(true);
  for (const Value& dropped : drop.items()) check_capability(dropped, findings);
  for (const Value& added : add.items()) {
    check_capability(added, findings);
    const std::string_view plain = plain_capability(added.text());
    for (const Value& dropped : drop.items())
      if (plain == plain_capability(dropped.text()))
        findings.invalid(added, "is both added and dropped");
    // The API server knows the spelling CAP_SYS_ADMIN alone.
    if (no_gain && added.is("SYS_ADMIN"))
      findings.invalid(context,
                       "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` "
                       "CAP_SYS_ADMIN");
  }
}

void check_annotations_of(const Value& annotations, Findings& findings) {
  for (const auto& [key, value] : annotations.entries()) {
    const bool apparmor = key.starts_with("container.apparmor.security.beta.kubernetes.io/");
    const bool seccomp = key.starts_with("seccomp.security.alpha.kubernetes.io/") ||
                         key.starts_with("container.seccomp.security.alpha.kubernetes.io/");
    if (apparmor && !value.text().empty() && !value.is("unconfined"))
      findings.forbidden(value, "not supported by pausa: AppArmor profiles are not applied");
    if (seccomp && value.text().starts_with("localhost/"))
      findings.forbidden(value,
                         "this annotation has no effect; write securityContext.seccompProfile");
    else if (seccomp)
      findings.note(value, "has no effect: write securityContext.seccompProfile");
  }
}

}  // namespace

std::string_view plain_capability(std::string_view name) {
  constexpr std::string_view prefix = "CAP_";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

bool is_capability(std::string_view plain_name) {
  return contains(capabilities, plain_name);
}

void check_our_security_rules(const Value& pod, const ValidateOptions& options,
                              Findings& findings) {
  const Value spec = pod["spec"];
  check_annotations_of(pod["metadata"]["annotations"], findings);
  for (const Value& sysctl : spec["securityContext"]["sysctls"].items())
    check_sysctl(sysctl, options, findings);
  check_profile(spec["securityContext"], findings);
  for (const std::string_view list : {"containers", "initContainers", "ephemeralContainers"}) {
    for (const Value& container : spec[list].items()) {
      check_capabilities(container["securityContext"], findings);
      check_profile(container["securityContext"], findings);
    }
  }
}

}  // namespace pausa::pod
