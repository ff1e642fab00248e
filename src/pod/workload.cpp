#include "pod/workload.hpp"

#include "pod/value.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

struct KindNames {
  std::string_view kind;
  std::string_view resource;
  std::string_view short_name;
  std::string_view version;
};
constexpr std::array<KindNames, all_workload_kinds.size()> names{
    {{"Deployment", "deployment", "deploy", "apps/v1"},
     {"ReplicaSet", "replicaset", "rs", "apps/v1"},
     {"StatefulSet", "statefulset", "sts", "apps/v1"},
     {"DaemonSet", "daemonset", "ds", "apps/v1"},
     {"Job", "job", "", "batch/v1"},
     {"CronJob", "cronjob", "cj", "batch/v1"}}};

const KindNames& names_of(WorkloadKind kind) {
  return names[static_cast<std::size_t>(kind)];
}

Metadata decode_metadata(const Value& metadata) {
  Metadata out;
  out.name = metadata["name"].text();
  if (const auto space = metadata["namespace"].text(); !space.empty()) out.namespace_ = space;
  for (const auto& [key, value] : metadata["labels"].entries())
    out.labels.emplace_back(key, value.text());
  for (const auto& [key, value] : metadata["annotations"].entries())
    out.annotations.emplace_back(key, value.text());
  return out;
}

// The list under key, made when absent.
Node& list_in(Node& map, std::string_view key) {
  Node& list = map.set(key);
  if (!list.is_list()) list = Node::make_list();
  return list;
}

// A port of the host has one owner: the first pod.
void drop_host_ports(Node& pod) {
  Node* const spec = pod.find("spec");
  const Node* const network = spec ? spec->find("hostNetwork") : nullptr;
  if (!spec || (network && network->boolean)) return;  // there all ports are the host's
  for (const char* field : {"containers", "initContainers"}) {
    Node* const list = spec->find(field);
    if (!list) continue;
    for (Node& container : list->items) {
      Node* const ports = container.find("ports");
      if (!ports) continue;
      for (Node& port : ports->items)
        std::erase_if(port.entries, [](const Entry& entry) {
          return entry.key == "hostPort" || entry.key == "hostIP";
        });
    }
  }
}

const Node* claim_templates(const Node& object) {
  const Node* const spec = object.find("spec");
  return spec ? spec->find("volumeClaimTemplates") : nullptr;
}

std::string name_in(const Node& object) {
  const Node* const metadata = object.find("metadata");
  const Node* const name = metadata ? metadata->find("name") : nullptr;
  return name && name->is_string() ? name->text : std::string();
}

// A claim goes before a volume of the template that has its name, as the controller does it.
void add_claim_volume(Node& spec, const std::string& volume, const std::string& claim) {
  Node& volumes = list_in(spec, "volumes");
  std::erase_if(volumes.items, [&](const Node& other) {
    const Node* const name = other.find("name");
    return name && name->text == volume;
  });
  Node entry = Node::make_map();
  entry.set("name", Node::make_string(volume));
  Node source = Node::make_map();
  source.set("claimName", Node::make_string(claim));
  entry.set("persistentVolumeClaim", std::move(source));
  volumes.push(std::move(entry));
}

void add_identity(const Node& object, Node& pod, const std::string& name, std::int64_t ordinal) {
  Node& labels = pod.set("metadata").set("labels");
  labels.set("statefulset.kubernetes.io/pod-name", Node::make_string(name));
  labels.set("apps.kubernetes.io/pod-index", Node::make_string(std::to_string(ordinal)));
  Node& spec = pod.set("spec");
  const Node* const service = object.find("spec")->find("serviceName");
  if (service && service->is_string() && !service->text.empty() && !spec.find("subdomain"))
    spec.set("subdomain", *service);
  if (const Node* const claims = claim_templates(object))
    for (const Node& claim : claims->items)
      add_claim_volume(spec, name_in(claim), name_in(claim) + "-" + name);
}

std::string pod_name(const Workload& workload, std::int64_t ordinal) {
  return workload.metadata.name + "-" + std::to_string(ordinal);
}

}  // namespace

std::string_view kind_name(WorkloadKind kind) {
  return names_of(kind).kind;
}

std::string_view resource_name(WorkloadKind kind) {
  return names_of(kind).resource;
}

std::string_view api_version(WorkloadKind kind) {
  return names_of(kind).version;
}

std::optional<WorkloadKind> workload_kind(std::string_view kind) {
  for (const WorkloadKind known : all_workload_kinds)
    if (kind_name(known) == kind) return known;
  return std::nullopt;
}

std::optional<WorkloadKind> workload_resource(std::string_view word) {
  for (const WorkloadKind known : all_workload_kinds) {
    const auto& [kind, resource, short_name, version] = names_of(known);
    if (word == resource || (!short_name.empty() && word == short_name) ||
        (word.ends_with('s') && word.substr(0, word.size() - 1) == resource))
      return known;
  }
  return std::nullopt;
}

bool keeps_pods(WorkloadKind kind) {
  return kind != WorkloadKind::job && kind != WorkloadKind::cron_job;
}

std::string workload_words(WorkloadKind kind, std::string_view name) {
  return concat({resource_name(kind), "/", name});
}

std::string_view template_prefix(WorkloadKind kind) {
  return kind == WorkloadKind::cron_job ? "spec.jobTemplate.spec.template." : "spec.template.";
}

const Node* template_of(const Node& object, WorkloadKind kind) {
  const Node* at = object.find("spec");
  if (kind == WorkloadKind::cron_job)
    for (const char* field : {"jobTemplate", "spec"}) at = at ? at->find(field) : nullptr;
  return at ? at->find("template") : nullptr;
}

Node* template_of(Node& object, WorkloadKind kind) {
  return const_cast<Node*>(template_of(std::as_const(object), kind));
}

Workload decode_workload(const Node& object, WorkloadKind kind) {
  const Value root(object);
  const Value spec = root["spec"];
  Workload out;
  out.kind = kind;
  out.metadata = decode_metadata(root["metadata"]);
  if (kind == WorkloadKind::deployment || kind == WorkloadKind::replica_set ||
      kind == WorkloadKind::stateful_set)
    out.replicas = spec["replicas"].integer().value_or(1);
  if (kind == WorkloadKind::stateful_set) {
    out.first_ordinal = spec["ordinals"]["start"].integer().value_or(0);
    out.in_order = !spec["podManagementPolicy"].is("Parallel");
    const Value retention = spec["persistentVolumeClaimRetentionPolicy"];
    out.drop_claims_deleted = retention["whenDeleted"].is("Delete");
    out.drop_claims_scaled = retention["whenScaled"].is("Delete");
  }
  out.all_at_once = spec["strategy"]["type"].is("Recreate");
  return out;
}

Node pod_of_template(const Node& pod_template, const Workload& owner, const std::string& name) {
  Node pod = Node::make_map();
  pod.set("apiVersion", Node::make_string("v1"));
  pod.set("kind", Node::make_string("Pod"));
  Node metadata = Node::make_map();
  metadata.set("name", Node::make_string(name));
  metadata.set("namespace", Node::make_string(owner.metadata.namespace_));
  if (const Node* const given = pod_template.find("metadata"))
    for (const char* field : {"labels", "annotations"})
      if (const Entry* const entry = given->find_entry(field); entry && entry->value.is_map())
        metadata.entries.push_back(*entry);
  // owner_in() reads what this writes.
  Node reference = Node::make_map();
  reference.set("apiVersion", Node::make_string(std::string(api_version(owner.kind))));
  reference.set("kind", Node::make_string(std::string(kind_name(owner.kind))));
  reference.set("name", Node::make_string(owner.metadata.name));
  reference.set("controller", Node::make_boolean(true));
  Node references = Node::make_list();
  references.push(std::move(reference));
  metadata.set("ownerReferences", std::move(references));
  pod.set("metadata", std::move(metadata));
  if (const Entry* const spec = pod_template.find_entry("spec")) pod.entries.push_back(*spec);
  return pod;
}

std::vector<Node> pods_of(const Node& object, const Workload& workload) {
  std::vector<Node> pods;
  const Node* const pod_template = template_of(object, workload.kind);
  if (!pod_template || !keeps_pods(workload.kind)) return pods;
  for (std::int64_t i = 0; i < workload.replicas; ++i) {
    const std::int64_t ordinal = workload.first_ordinal + i;
    const std::string name = pod_name(workload, ordinal);
    Node pod = pod_of_template(*pod_template, workload, name);
    if (workload.kind == WorkloadKind::stateful_set) add_identity(object, pod, name, ordinal);
    if (i > 0) drop_host_ports(pod);
    pods.push_back(std::move(pod));
  }
  return pods;
}

std::vector<Node> claims_of(const Node& object, const Workload& workload) {
  std::vector<Node> claims;
  const Node* const given = claim_templates(object);
  if (!given || workload.kind != WorkloadKind::stateful_set) return claims;
  for (std::int64_t i = 0; i < workload.replicas; ++i)
    for (const Node& one : given->items) {
      Node claim = one;
      claim.set("apiVersion", Node::make_string("v1"));
      claim.set("kind", Node::make_string("PersistentVolumeClaim"));
      Node& metadata = claim.set("metadata");
      metadata.set("name", Node::make_string(name_in(one) + "-" +
                                             pod_name(workload, workload.first_ordinal + i)));
      metadata.set("namespace", Node::make_string(workload.metadata.namespace_));
      claims.push_back(std::move(claim));
    }
  return claims;
}

std::string owner_in(std::string_view json) {
  // Quotes inside of strings are escaped in JSON, so this text is a key.
  constexpr std::string_view key = "\"ownerReferences\":[{\"apiVersion\":\"";
  const auto at = json.find(key);
  if (at == std::string_view::npos) return {};
  const auto value_after = [&](std::string_view field, std::size_t from) -> std::string_view {
    const auto begin = json.find(field, from);
    if (begin == std::string_view::npos) return {};
    const auto text = json.substr(begin + field.size());
    return text.substr(0, text.find('"'));
  };
  const auto kind = workload_kind(value_after("\"kind\":\"", at));
  const auto name = value_after("\"name\":\"", at);
  return kind && !name.empty() ? workload_words(*kind, name) : std::string();
}

}  // namespace pausa::pod
