// The kinds that make pods of a template: Deployment, ReplicaSet, StatefulSet and DaemonSet, whose
// pods run as long as the object is there, and Job and CronJob, whose pods come and go
// (pod/job.hpp). Here: what they are called, and the pods and claims that they stand for. Pure.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"
#include "pod/validate.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

enum class WorkloadKind : std::uint8_t {
  deployment,
  replica_set,
  stateful_set,
  daemon_set,
  job,
  cron_job
};
inline constexpr std::array all_workload_kinds{
    WorkloadKind::deployment, WorkloadKind::replica_set, WorkloadKind::stateful_set,
    WorkloadKind::daemon_set, WorkloadKind::job,         WorkloadKind::cron_job};

std::string_view kind_name(WorkloadKind kind);      // "Deployment"
std::string_view resource_name(WorkloadKind kind);  // "deployment"
std::string_view api_version(WorkloadKind kind);    // "apps/v1"
std::optional<WorkloadKind> workload_kind(std::string_view kind);
// As kubectl takes it on the command line: "deployment", "deployments", "deploy".
std::optional<WorkloadKind> workload_resource(std::string_view word);
// Whether its pods are there as long as it is: all but Job and CronJob.
bool keeps_pods(WorkloadKind kind);

struct Workload {
  WorkloadKind kind = WorkloadKind::deployment;
  Metadata metadata;
  std::int64_t replicas = 1;
  std::int64_t first_ordinal = 1;  // 0 of a StatefulSet, unless it says otherwise
  bool in_order = false;           // each pod is to be ready before the next one is made
  bool all_at_once = false;        // strategy Recreate: all old pods go before the first new one
  bool drop_claims_deleted = false, drop_claims_scaled = false;  // retention policy: Delete
};

// From a validated tree; what is not as it should be reads as absent.
Workload decode_workload(const Node& object, WorkloadKind kind);

// "deployment/web"
std::string workload_words(WorkloadKind kind, std::string_view name);

// The pod template, and where it stands: "spec.template.".
const Node* template_of(const Node& object, WorkloadKind kind);
Node* template_of(Node& object, WorkloadKind kind);
std::string_view template_prefix(WorkloadKind kind);

// A Pod object of this name out of a template: with the template's labels, annotations and spec
// (and their marks), owned by the workload (metadata.ownerReferences).
Node pod_of_template(const Node& pod_template, const Workload& owner, const std::string& name);

// The pods of one that keeps its pods, in order.
std::vector<Node> pods_of(const Node& object, const Workload& workload);
// The claims that the pods of a StatefulSet have, as PersistentVolumeClaim objects.
std::vector<Node> claims_of(const Node& object, const Workload& workload);

// The owner that pod_of_template() has written into a stored pod's JSON ("deployment/web"), without
// reading all of it; empty: none.
std::string owner_in(std::string_view pod_json);

// Unknown fields, wrong types, Kubernetes' rules for it and for the pods of its template, ours, and
// notes for what has no effect.
Diagnostics validate_workload(const Node& object, WorkloadKind kind,
                              const ValidateOptions& options = {});

}  // namespace pausa::pod
