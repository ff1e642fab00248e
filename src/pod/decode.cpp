#include "pod/decode.hpp"

#include "pod/decode_parts.hpp"
#include "pod/own_annotations.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {

namespace {

SeccompProfile seccomp_profile(const Node& node) {
  static constexpr std::array<std::pair<std::string_view, SeccompType>, 3> types = {
      {{"RuntimeDefault", SeccompType::runtime_default},
       {"Unconfined", SeccompType::unconfined},
       {"Localhost", SeccompType::localhost}}};
  SeccompProfile profile;
  get_word(node, "type", types, profile.type);
  get(node, "localhostProfile", profile.localhost_profile);
  return profile;
}

// sysctl(8) takes both "kernel.shm_rmid_forced" and "kernel/shm_rmid_forced"; in the second form a
// dot belongs to a name ("net/ipv4/conf/eth0.1/forwarding"). Both become the first.
std::string dotted(std::string name) {
  const std::size_t separator = name.find_first_of("./");
  if (separator == std::string::npos || name[separator] == '.') return name;
  for (char& c : name) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return name;
}

PodSecurityContext pod_security(const Node& node) {
  PodSecurityContext out;
  get_id(node, "runAsUser", out.run_as_user);
  get_id(node, "runAsGroup", out.run_as_group);
  get(node, "runAsNonRoot", out.run_as_non_root);
  get_id(node, "fsGroup", out.fs_group);
  get_word(node, "fsGroupChangePolicy",
           std::array<std::pair<std::string_view, FsGroupChangePolicy>, 1>{
               {{"OnRootMismatch", FsGroupChangePolicy::on_root_mismatch}}},
           out.fs_group_change_policy);
  each(node, "supplementalGroups", [&out](const Node& item) {
    if (item.kind == Node::Kind::integer && item.integer >= 0 &&
        item.integer < std::numeric_limits<std::uint32_t>::max()) {
      out.supplemental_groups.push_back(static_cast<std::uint32_t>(item.integer));
    }
  });
  get_word(node, "supplementalGroupsPolicy",
           std::array<std::pair<std::string_view, SupplementalGroupsPolicy>, 1>{
               {{"Strict", SupplementalGroupsPolicy::strict}}},
           out.supplemental_groups_policy);
  in_map(node, "seccompProfile",
         [&out](const Node& profile) { out.seccomp_profile = seccomp_profile(profile); });
  each(node, "sysctls", [&out](const Node& item) {
    Sysctl sysctl;
    get(item, "name", sysctl.name);
    get(item, "value", sysctl.value);
    sysctl.name = dotted(std::move(sysctl.name));
    out.sysctls.push_back(std::move(sysctl));
  });
  return out;
}

// CAP_NET_ADMIN and net_admin become NET_ADMIN.
std::vector<std::string> capabilities(const Node& node, std::string_view key) {
  std::vector<std::string> out;
  get(node, key, out);
  for (std::string& name : out) {
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    if (name.starts_with("CAP_")) name.erase(0, 4);
  }
  return out;
}

SecurityContext container_security(const Node& node) {
  SecurityContext out;
  get_id(node, "runAsUser", out.run_as_user);
  get_id(node, "runAsGroup", out.run_as_group);
  get(node, "runAsNonRoot", out.run_as_non_root);
  get(node, "allowPrivilegeEscalation", out.allow_privilege_escalation);
  get(node, "privileged", out.privileged);
  get(node, "readOnlyRootFilesystem", out.read_only_root_filesystem);
  get_word(
      node, "procMount",
      std::array<std::pair<std::string_view, ProcMount>, 1>{{{"Unmasked", ProcMount::unmasked}}},
      out.proc_mount);
  in_map(node, "capabilities", [&out](const Node& map) {
    out.capabilities_add = capabilities(map, "add");
    out.capabilities_drop = capabilities(map, "drop");
  });
  in_map(node, "seccompProfile",
         [&out](const Node& profile) { out.seccomp_profile = seccomp_profile(profile); });
  return out;
}

Resources resources(const Node& node) {
  Resources out;
  const auto read = [](const Node& map, std::optional<std::int64_t>& cpu_milli,
                       std::optional<std::int64_t>& memory_bytes,
                       std::optional<std::int64_t>& storage_bytes) {
    if (const auto cpu = get_quantity(map, "cpu")) cpu_milli = cpu->milli_value();
    if (const auto memory = get_quantity(map, "memory")) memory_bytes = memory->value();
    if (const auto storage = get_quantity(map, "ephemeral-storage"))
      storage_bytes = storage->value();
  };
  in_map(node, "limits", [&](const Node& map) {
    read(map, out.limit_cpu_milli, out.limit_memory_bytes, out.limit_storage_bytes);
  });
  out.request_cpu_milli = out.limit_cpu_milli;
  out.request_memory_bytes = out.limit_memory_bytes;
  out.request_storage_bytes = out.limit_storage_bytes;
  in_map(node, "requests", [&](const Node& map) {
    read(map, out.request_cpu_milli, out.request_memory_bytes, out.request_storage_bytes);
  });
  return out;
}

ContainerPort container_port(const Node& node, bool host_network) {
  static constexpr std::array<std::pair<std::string_view, Protocol>, 2> protocols = {
      {{"UDP", Protocol::udp}, {"SCTP", Protocol::sctp}}};
  ContainerPort out;
  get(node, "name", out.name);
  get_integer(node, "containerPort", out.container_port);
  get_integer(node, "hostPort", out.host_port);
  get(node, "hostIP", out.host_ip);
  get_word(node, "protocol", protocols, out.protocol);
  if (host_network && out.host_port == 0) out.host_port = out.container_port;
  return out;
}

Container container(const Node& node, bool host_network) {
  Container out;
  get(node, "name", out.name);
  get(node, "image", out.image);
  get_word(node, "imagePullPolicy", pull_policies, out.image_pull_policy);
  get(node, "command", out.command);
  get(node, "args", out.args);
  get(node, "workingDir", out.working_dir);
  each(node, "env", [&out](const Node& item) { out.env.push_back(decode_env(item)); });
  each(node, "envFrom",
       [&out](const Node& item) { out.env_from.push_back(decode_env_from(item)); });
  each(node, "ports",
       [&](const Node& item) { out.ports.push_back(container_port(item, host_network)); });
  each(node, "volumeMounts",
       [&out](const Node& item) { out.volume_mounts.push_back(decode_volume_mount(item)); });
  in_map(node, "resources", [&out](const Node& map) { out.resources = resources(map); });
  in_map(node, "securityContext",
         [&out](const Node& map) { out.security = container_security(map); });
  get_word(node, "restartPolicy",
           std::array<std::pair<std::string_view, ContainerRestart>, 3>{
               {{"Always", ContainerRestart::always},
                {"OnFailure", ContainerRestart::on_failure},
                {"Never", ContainerRestart::never}}},
           out.restart);
  out.restart_rules = decode_restart_rules(node);
  out.health = decode_health(node);
  get(node, "terminationMessagePath", out.termination_message_path);
  std::string message_policy;
  get(node, "terminationMessagePolicy", message_policy);
  out.message_from_logs = message_policy == "FallbackToLogsOnError";
  get(node, "stdin", out.stdin_open);
  get(node, "stdinOnce", out.stdin_once);
  get(node, "tty", out.tty);
  each(node, "resizePolicy", [&out](const Node& item) {
    std::string resource;
    std::string policy;
    get(item, "resourceName", resource);
    get(item, "restartPolicy", policy);
    if (policy != "RestartContainer") return;
    if (resource == "cpu") out.cpu_needs_restart = true;
    if (resource == "memory") out.memory_needs_restart = true;
  });
  return out;
}

Metadata metadata(const Node& node) {
  Metadata out;
  get(node, "name", out.name);
  get(node, "namespace", out.namespace_);
  if (out.namespace_.empty()) out.namespace_ = "default";
  get(node, "labels", out.labels);
  get(node, "annotations", out.annotations);
  return out;
}

ResolvConf dns_config(const Node& node) {
  ResolvConf out;
  get(node, "nameservers", out.nameservers);
  get(node, "searches", out.searches);
  each(node, "options", [&out](const Node& item) {
    std::string value;
    std::string& option = out.options.emplace_back();
    get(item, "name", option);
    get(item, "value", value);
    if (!value.empty()) option += ":" + value;
  });
  return out;
}

Spec spec(const Node& node) {
  static constexpr std::array<std::pair<std::string_view, DnsPolicy>, 4> dns_policies = {
      {{"ClusterFirst", DnsPolicy::cluster_first},
       {"ClusterFirstWithHostNet", DnsPolicy::cluster_first_with_host_net},
       {"Default", DnsPolicy::host},
       {"None", DnsPolicy::none}}};
  static constexpr std::array<std::pair<std::string_view, RestartPolicy>, 3> policies = {
      {{"Always", RestartPolicy::always},
       {"OnFailure", RestartPolicy::on_failure},
       {"Never", RestartPolicy::never}}};
  Spec out;
  get(node, "hostNetwork", out.host_network);
  get(node, "hostPID", out.host_pid);
  get(node, "hostIPC", out.host_ipc);
  get(node, "hostUsers", out.host_users);
  get(node, "shareProcessNamespace", out.share_process_namespace);
  get(node, "hostname", out.hostname);
  get(node, "hostnameOverride", out.hostname_override);
  get(node, "subdomain", out.subdomain);
  get(node, "setHostnameAsFQDN", out.hostname_as_fqdn);
  get(node, "enableServiceLinks", out.service_links);
  get_word(node, "dnsPolicy", dns_policies, out.dns_policy);
  in_map(node, "dnsConfig", [&out](const Node& map) { out.dns_config = dns_config(map); });
  get(node, "nodeName", out.node_name);
  get(node, "serviceAccount", out.service_account);
  get(node, "serviceAccountName", out.service_account);
  get_word(node, "restartPolicy", policies, out.restart_policy);
  each(node, "initContainers", [&out](const Node& item) {
    out.init_containers.push_back(container(item, out.host_network));
  });
  each(node, "containers",
       [&out](const Node& item) { out.containers.push_back(container(item, out.host_network)); });
  each(node, "volumes", [&out](const Node& item) { out.volumes.push_back(decode_volume(item)); });
  each(node, "hostAliases", [&out](const Node& item) {
    HostAlias alias;
    get(item, "ip", alias.ip);
    get(item, "hostnames", alias.hostnames);
    out.host_aliases.push_back(std::move(alias));
  });
  const Node* const grace = field(node, "terminationGracePeriodSeconds");
  if (grace && grace->kind == Node::Kind::integer) {
    // The API server turns a negative grace into one second.
    out.termination_grace_period = std::chrono::seconds(grace->integer < 0 ? 1 : grace->integer);
  }
  std::uint32_t deadline = 0;
  get_integer(node, "activeDeadlineSeconds", deadline);
  if (deadline != 0) out.active_deadline = std::chrono::seconds(deadline);
  in_map(node, "resources", [&out](const Node& map) { out.resources = resources(map); });
  each(node, "imagePullSecrets",
       [&out](const Node& item) { get(item, "name", out.image_pull_secrets.emplace_back()); });
  each(node, "readinessGates", [&out](const Node& item) {
    get(item, "conditionType", out.readiness_gates.emplace_back());
  });
  in_map(node, "securityContext", [&out](const Node& map) { out.security = pod_security(map); });
  return out;
}

}  // namespace

Container decode_ephemeral(const Node& node) {
  Container out = container(node, false);
  get(node, "targetContainerName", out.target);
  return out;
}

Pod decode_pod(const Node& pod, Diagnostics& findings) {
  Pod out;
  in_map(pod, "metadata", [&](const Node& map) { out.metadata = metadata(map); });
  in_map(pod, "spec", [&](const Node& map) { out.spec = spec(map); });
  in_map(pod, "metadata", [&](const Node& map) {
    in_map(map, "annotations", [&](const Node& annotations) {
      decode_own_annotations(annotations, out.spec.time_offsets, findings);
    });
  });
  return out;
}

}  // namespace pausa::pod
