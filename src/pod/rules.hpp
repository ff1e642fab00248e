// The API server's rules by subject, called in turn by kubernetes_validation(). Each looks at one
// part of the tree and adds what is wrong. Internal to the pod room.
#pragma once

#include "pod/names.hpp"
#include "pod/object.hpp"
#include "pod/value.hpp"
#include "pod/workload.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace pausa::pod {

// What the rules of one part need to know of the others. Borrows the tree.
struct PodFacts {
  explicit PodFacts(const Value& spec);

  std::vector<std::string_view> volume_names;
  std::unordered_set<std::string_view> volumes;          // names
  std::unordered_set<std::string_view> resource_claims;  // names
  bool host_network = false;
  bool private_users = false;  // hostUsers: false
  bool windows = false;
  bool names_os = false;  // spec.os is set
  bool has_service_account = false;
  std::int64_t grace_seconds = 30;  // Kubernetes' default
};

// What is said of ephemeral containers in a manifest.
inline constexpr std::string_view refused_on_create = "cannot be set on create";

enum class Role : std::uint8_t { regular, init, ephemeral };

bool contains(Names names, std::string_view name);
bool contains(const std::vector<std::string_view>& names, std::string_view name);
bool contains(const std::unordered_set<std::string_view>& names, std::string_view name);

// Names that must differ; borrows the tree.
class Seen {
 public:
  // Whether it is the first of its name.
  bool add(std::string_view name) { return names_.insert(name).second; }

 private:
  std::unordered_set<std::string_view> names_;
};
// Words of lower-case letters, digits, - and _ (inside), joined by dots or slashes.
bool is_sysctl_name(std::string_view name);
// sysctl.d(5): the first separator decides; "net/ipv4/x" is "net.ipv4.x".
std::string dotted_sysctl(std::string_view name);
std::string between(std::int64_t low, std::int64_t high);  // "must be between 1 and 9, inclusive"

// Adds one "Invalid value" for each fault.
void add_faults(const Value& at, const Faults& faults, Findings& findings);
// An enumerated string: unset is the default and fine, an empty one is not.
void check_choice(const Value& at, Names supported, Findings& findings);
void check_range(const Value& at, std::int64_t low, std::int64_t high, Findings& findings);
void check_at_least_zero(const Value& at, Findings& findings);
// Adds "Required value" when there is no text; tells whether there is.
bool check_required(const Value& at, Findings& findings);
void check_object_name(const Value& at, Findings& findings);  // required, a DNS subdomain
void check_file_mode(const Value& at, Findings& findings);
// A path inside something: relative, without "..". The stricter one also refuses "..data".
void check_relative_path(const Value& at, Findings& findings);
void check_free_relative_path(const Value& at, Findings& findings);
// A path on the host: required, without "..".
void check_straight_path(const Value& at, Findings& findings);
void check_host_path(const Value& source, Findings& findings);

// unknown fields and wrong types of a kind beside the Pod
void check_object_schema(const Value& object, std::string_view kind, Findings& findings);
// … and Kubernetes' rules for it, and ours
void check_object_rules(const Value& object, ObjectKind kind, Findings& findings);

// a Pod, or a pod template, without its metadata's name
void check_pod_parts(const Value& pod, Findings& findings);

void check_service(const Value& service, Findings& findings);
void check_network_policy(const Value& policy, Findings& findings);

// workloads
void check_workload_rules(const Value& object, WorkloadKind kind, Findings& findings);
// of a Job, or of the jobTemplate of a CronJob; name: of the Job, may be absent
void check_job_rules(const Value& spec, const Value& name, Findings& findings);
void check_cron_job_rules(const Value& object, Findings& findings);
// the pod template: its labels and the pod; policies: the restart policies that there may be
void check_template(const Value& pod_template, Findings& findings);

// metadata
void check_metadata(const Value& pod, Findings& findings);
void check_annotations(const Value& annotations, Findings& findings);
void check_labels(const Value& labels, Findings& findings);
void check_label_selector(const Value& selector, Findings& findings);
void check_pod_annotations(const Value& pod, Findings& findings);

// containers
void check_all_containers(const Value& spec, const PodFacts& facts, Findings& findings);
void check_env(const Value& container, Findings& findings);
void check_field_ref(const Value& ref, Names allowed, Findings& findings);
void check_resource_field_ref(const Value& ref, bool needs_container, Findings& findings);
void check_ports(const Value& ports, Findings& findings);
void check_mounts(const Value& container, const PodFacts& facts, Findings& findings);
void check_probes(const Value& container, const PodFacts& facts, Findings& findings);
void check_lifecycle(const Value& lifecycle, const PodFacts& facts, Findings& findings);
void check_resources(const Value& resources, const PodFacts& facts, Findings& findings);
void check_pod_resources(const Value& spec, const PodFacts& facts, Findings& findings);
void check_security_context(const Value& context, const PodFacts& facts, Findings& findings);

// the rest of the spec
void check_volumes(const Value& spec, const PodFacts& facts, Findings& findings);
void check_volume_driver(const Value& source, std::string_view kind, Findings& findings);
void check_projected(const Value& projected, const PodFacts& facts, Findings& findings);
void check_key_to_path(const Value& item, Findings& findings);
void check_downward_file(const Value& item, Findings& findings);
void check_claim_template(const Value& claim, Findings& findings);
void check_claim_spec(const Value& spec, Findings& findings);
void check_access_modes(const Value& modes, Findings& findings);
void check_pod_security(const Value& spec, Findings& findings);
void check_scheduling(const Value& spec, Findings& findings);
void check_affinity(const Value& pod, Findings& findings);
void check_spread(const Value& pod, Findings& findings);
void check_label_keys(const Value& keys, const Value& selector, const Value& pod_labels,
                      Findings& findings);
void check_resource_claims(const Value& pod, Findings& findings);
void check_network(const Value& spec, Findings& findings);

}  // namespace pausa::pod
