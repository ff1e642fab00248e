// What a pod is, after reading and validation: typed values, defaults applied, nothing textual left
// that has a meaning to us. Field names follow the Kubernetes Pod (v1); units are in the names.
// Pure values, no system headers.
#pragma once

#include "pod/health.hpp"
#include "pod/sources.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pausa::pod {

enum class RestartPolicy : std::uint8_t { always, on_failure, never };
enum class Protocol : std::uint8_t { tcp, udp, sctp };
enum class ProcMount : std::uint8_t { default_, unmasked };
enum class SeccompType : std::uint8_t { runtime_default, unconfined, localhost };
enum class HostPathType : std::uint8_t {
  unset,
  directory_or_create,
  directory,
  file_or_create,
  file,
  socket,
  char_device,
  block_device
};
enum class MountPropagation : std::uint8_t { none, host_to_container, bidirectional };
enum class PullPolicy : std::uint8_t { unset, always, if_not_present, never };
enum class FsGroupChangePolicy : std::uint8_t { always, on_root_mismatch };
enum class DnsPolicy : std::uint8_t { cluster_first, cluster_first_with_host_net, host, none };
enum class SupplementalGroupsPolicy : std::uint8_t { merge, strict };

using KeyValues = std::vector<std::pair<std::string, std::string>>;  // in the manifest's order

struct SeccompProfile {
  SeccompType type = SeccompType::runtime_default;
  std::string localhost_profile;  // relative to the profile folder
};

struct Sysctl {
  std::string name;  // dotted form
  std::string value;
};

struct PodSecurityContext {
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::optional<std::uint32_t> fs_group;
  FsGroupChangePolicy fs_group_change_policy = FsGroupChangePolicy::always;
  std::vector<std::uint32_t> supplemental_groups;
  SupplementalGroupsPolicy supplemental_groups_policy = SupplementalGroupsPolicy::merge;
  std::optional<SeccompProfile> seccomp_profile;
  std::vector<Sysctl> sysctls;
};

// A container's own context; what is unset here comes from the pod's.
struct SecurityContext {
  std::optional<std::uint32_t> run_as_user;
  std::optional<std::uint32_t> run_as_group;
  std::optional<bool> run_as_non_root;
  std::optional<bool> allow_privilege_escalation;
  bool privileged = false;
  bool read_only_root_filesystem = false;
  ProcMount proc_mount = ProcMount::default_;
  std::vector<std::string> capabilities_add;   // without CAP_, upper case; may hold "ALL"
  std::vector<std::string> capabilities_drop;  // likewise
  std::optional<SeccompProfile> seccomp_profile;
};

struct EnvVar {
  std::string name;
  std::string value;  // as written; $(VAR) is expanded at start (pod/expand.hpp)
  std::shared_ptr<const ValueSource> from;  // instead of a value
};

struct ContainerPort {
  std::string name;
  std::uint16_t container_port = 0;
  std::uint16_t host_port = 0;  // 0: not published
  std::string host_ip;
  Protocol protocol = Protocol::tcp;
};

struct VolumeMount {
  std::string name;
  std::string mount_path;
  std::string sub_path;
  bool expand_sub_path = false;  // subPathExpr: $(VAR) in it is expanded at start
  bool read_only = false;
  bool shallow_read_only = false;  // not the mounts below it: recursiveReadOnly: Disabled
  MountPropagation propagation = MountPropagation::none;
};

// Absent means "no limit" and "no request". Requests default to the limits, as in Kubernetes.
struct Resources {
  std::optional<std::int64_t> limit_cpu_milli;
  std::optional<std::int64_t> limit_memory_bytes;
  std::optional<std::int64_t> request_cpu_milli;
  std::optional<std::int64_t> request_memory_bytes;
  std::optional<std::int64_t> limit_storage_bytes;  // ephemeral-storage; beyond it: evicted
  std::optional<std::int64_t> request_storage_bytes;
};

struct Container {
  std::string name;
  std::string image;
  PullPolicy image_pull_policy = PullPolicy::unset;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<EnvVar> env;
  std::vector<EnvFrom> env_from;
  std::vector<ContainerPort> ports;
  std::vector<VolumeMount> volume_mounts;
  Resources resources;
  SecurityContext security;
  ContainerRestart restart = ContainerRestart::as_pod;  // always on an init container: a sidecar
  std::vector<RestartRule> restart_rules;
  Health health;
  std::string termination_message_path = "/dev/termination-log";
  bool message_from_logs = false;  // terminationMessagePolicy: FallbackToLogsOnError
  bool stdin_open = false;
  bool stdin_once = false;
  bool tty = false;
  bool cpu_needs_restart = false;  // resizePolicy: RestartContainer
  bool memory_needs_restart = false;
  std::string target;  // of an ephemeral container: whose PID namespace it joins
};

struct EmptyDir {
  bool memory = false;  // medium: Memory
  std::optional<std::int64_t> size_limit_bytes;
};

struct HostPath {
  std::string path;  // absolute: relative ones are resolved against the manifest's folder
  HostPathType type = HostPathType::unset;
};

// What is in an image, read-only.
struct ImageVolume {
  std::string reference;
  PullPolicy pull_policy = PullPolicy::unset;
};

struct Volume {
  std::string name;
  std::variant<EmptyDir, HostPath, Projected, ClaimVolume, ImageVolume> source;
};

struct HostAlias {
  std::string ip;
  std::vector<std::string> hostnames;
};

// What resolv.conf(5) says, and what dnsConfig adds to it.
struct ResolvConf {
  std::vector<std::string> nameservers;
  std::vector<std::string> searches;
  std::vector<std::string> options;  // "NAME" or "NAME:VALUE"
};

struct Metadata {
  std::string name;
  std::string namespace_ = "default";
  KeyValues labels;
  KeyValues annotations;
};

// Offsets of the pod's time namespace (annotations pausa/monotonic-offset and
// pausa/boottime-offset).
struct TimeOffsets {
  std::chrono::nanoseconds monotonic{0};
  std::chrono::nanoseconds boottime{0};
  bool any() const { return monotonic.count() != 0 || boottime.count() != 0; }
};

struct Spec {
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<Container> ephemeral_containers;  // added while the pod runs; none in a manifest
  std::vector<Volume> volumes;
  RestartPolicy restart_policy = RestartPolicy::always;
  bool share_process_namespace = true;  // unset means shared here (docs/fields.md)
  bool host_network = false;
  bool host_pid = false;
  bool host_ipc = false;
  bool host_users = true;
  std::string node_name;          // as the manifest has it
  std::string service_account;    // likewise
  std::string hostname;           // empty: the pod's name, cut to 63 bytes
  std::string hostname_override;  // the hostname as it is, without a domain
  std::string subdomain;
  bool hostname_as_fqdn = false;
  DnsPolicy dns_policy = DnsPolicy::cluster_first;
  ResolvConf dns_config;
  bool service_links = true;  // variables that tell of Services
  std::vector<HostAlias> host_aliases;
  std::chrono::seconds termination_grace_period{10};
  std::optional<std::chrono::seconds> active_deadline;
  Resources resources;                       // of the whole pod
  std::vector<std::string> readiness_gates;  // types of conditions
  std::vector<std::string> image_pull_secrets;
  PodSecurityContext security;
  TimeOffsets time_offsets;
};

// All containers in one row, as states and records have them: init containers first, then the
// others, then the ephemeral ones.
inline std::size_t container_count(const Spec& spec) {
  return spec.init_containers.size() + spec.containers.size() + spec.ephemeral_containers.size();
}
inline const Container& container_at(const Spec& spec, std::size_t index) {
  if (index < spec.init_containers.size()) return spec.init_containers[index];
  index -= spec.init_containers.size();
  if (index < spec.containers.size()) return spec.containers[index];
  return spec.ephemeral_containers[index - spec.containers.size()];
}

struct Pod {
  Metadata metadata;
  Spec spec;
};

}  // namespace pausa::pod
