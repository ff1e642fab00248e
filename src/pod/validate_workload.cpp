// Kubernetes' rules for the kinds that keep their pods. Jobs: validate_job.cpp.
#include "pod/rules.hpp"

#include <charconv>

namespace pausa::pod {
namespace {

constexpr std::string_view always[] = {"Always"};
constexpr std::string_view deployment_strategies[] = {"Recreate", "RollingUpdate"};
constexpr std::string_view daemon_strategies[] = {"RollingUpdate", "OnDelete"};
constexpr std::string_view retentions[] = {"Delete", "Retain"};
constexpr std::int64_t most_replicas = 1000;

// A number, or a percentage. In hundredths of what there is, or whole pods.
struct Share {
  std::int64_t amount = 0;
  bool percent = false;
};

std::optional<Share> share(const Value& at, Findings& findings) {
  if (const auto number = at.integer()) {
    check_at_least_zero(at, findings);
    return Share{*number, false};
  }
  const std::string_view text = at.text();
  if (text.empty()) return std::nullopt;
  Share out{0, true};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out.amount);
  if (error != std::errc() || std::string_view(end, text.data() + text.size()) != "%" ||
      out.amount < 0) {
    findings.invalid(at,
                     "a valid percent string must be a numeric string followed by an ending '%' "
                     "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
    return std::nullopt;
  }
  return out;
}

void check_rolling(const Value& rolling, Findings& findings) {
  const auto unavailable = share(rolling["maxUnavailable"], findings);
  const auto surge = share(rolling["maxSurge"], findings);
  if (unavailable && surge && unavailable->amount == 0 && surge->amount == 0)
    findings.invalid(rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0");
  if (unavailable && unavailable->percent && unavailable->amount > 100)
    findings.invalid(rolling["maxUnavailable"], "must not be greater than 100%");
}

void check_deployment(const Value& spec, Findings& findings) {
  const Value strategy = spec["strategy"];
  check_choice(strategy["type"], deployment_strategies, findings);
  const Value rolling = strategy["rollingUpdate"];
  if (strategy["type"].is("Recreate") && rolling.present())
    findings.forbidden(rolling, "may not be specified when strategy `type` is 'Recreate'");
  else
    check_rolling(rolling, findings);
  check_at_least_zero(spec["progressDeadlineSeconds"], findings);
  const auto deadline = spec["progressDeadlineSeconds"].integer();
  if (deadline && *deadline >= 0 && *deadline <= spec["minReadySeconds"].integer().value_or(0))
    findings.invalid(spec["progressDeadlineSeconds"], "must be greater than minReadySeconds");
}

void check_daemon_set(const Value& spec, Findings& findings) {
  const Value strategy = spec["updateStrategy"];
  check_choice(strategy["type"], daemon_strategies, findings);
  check_rolling(strategy["rollingUpdate"], findings);
}

void check_claims(const Value& claims, Findings& findings) {
  Seen names;
  for (const Value& claim : claims.items()) {
    const Value name = claim["metadata"]["name"];
    if (check_required(name, findings)) {
      add_faults(name, dns_label_faults(name.text()), findings);
      if (!names.add(name.text())) findings.duplicate(name);
    }
    check_labels(claim["metadata"]["labels"], findings);
    check_annotations(claim["metadata"]["annotations"], findings);
    check_claim_spec(claim["spec"], findings);
    if (claim["spec"]["volumeMode"].is("Block"))
      findings.forbidden(claim["spec"]["volumeMode"],
                         "not supported by pausa: block volumes have no source here");
  }
}

void check_stateful_set(const Value& spec, Findings& findings) {
  const Value management = spec["podManagementPolicy"];
  if (management.present() && !management.is("OrderedReady") && !management.is("Parallel"))
    findings.invalid(management, "must be 'OrderedReady' or 'Parallel'");
  const Value strategy = spec["updateStrategy"];
  const Value type = strategy["type"];
  const Value rolling = strategy["rollingUpdate"];
  if (type.present() && !type.is("RollingUpdate") && !type.is("OnDelete"))
    findings.invalid(type, "must be 'RollingUpdate' or 'OnDelete'");
  if (type.is("OnDelete") && rolling.present())
    findings.invalid(rolling, "only allowed for updateStrategy 'RollingUpdate'");
  check_at_least_zero(rolling["partition"], findings);
  (void)share(rolling["maxUnavailable"], findings);
  check_at_least_zero(spec["ordinals"]["start"], findings);
  const Value retention = spec["persistentVolumeClaimRetentionPolicy"];
  for (const std::string_view when : {"whenDeleted", "whenScaled"})
    check_choice(retention[when], retentions, findings);
  if (const Value service = spec["serviceName"]; !service.text().empty())
    add_faults(service, dns_label_faults(service.text()), findings);
  check_claims(spec["volumeClaimTemplates"], findings);
}

KeyValues labels_of(const Value& labels) {
  KeyValues out;
  for (const auto& [key, value] : labels.entries()) out.emplace_back(key, value.text());
  return out;
}

void check_selector(const Value& spec, WorkloadKind kind, Findings& findings) {
  const Value selector = spec["selector"];
  if (!selector.present()) {
    findings.required(selector);
    return;
  }
  check_label_selector(selector, findings);
  const LabelSelector wanted = decode_label_selector(*selector.node());
  if (wanted.empty()) {
    findings.invalid(
        selector, concat({"empty selector is invalid for ",
                          kind == WorkloadKind::replica_set ? "deployment" : resource_name(kind)}));
    return;
  }
  const Value labels = spec["template"]["metadata"]["labels"];
  if (spec["template"].present() && !wanted.matches(labels_of(labels))) {
    findings.invalid(labels, labels.present() ? labels.shown() : "null",
                     "`selector` does not match template `labels`");
    if (!wanted.match_labels.empty())
      findings.hint("the selector wants " + wanted.match_labels.front().first + ": " +
                    wanted.match_labels.front().second);
  }
}

// The template of a StatefulSet with the volumes that its claims are; null without any.
Node with_claims(const Value& spec) {
  const Value claims = spec["volumeClaimTemplates"];
  if (claims.size() == 0 || !spec["template"].present()) return {};
  Node whole = *spec["template"].node();
  Node* const pod = whole.find("spec");
  if (!pod || !pod->is_map()) return {};
  Node& volumes = pod->set("volumes");
  if (volumes.is_null()) volumes = Node::make_list();
  for (const Value& claim : claims.items()) {
    const std::string name(claim["metadata"]["name"].text());
    std::erase_if(volumes.items, [&name](const Node& volume) {
      const Node* const other = volume.find("name");
      return other && other->text == name;
    });
    Node volume = Node::make_map();
    volume.set("name", Node::make_string(name));
    volume.set("persistentVolumeClaim").set("claimName", Node::make_string("made-of-the-template"));
    volume.mark = claim.mark();
    volumes.push(std::move(volume));
  }
  return whole;
}

// What of the host several pods cannot share.
void note_host_ports(const Value& spec, const Value& name, Findings& findings) {
  const std::int64_t replicas = spec["replicas"].integer().value_or(1);
  if (replicas < 2) return;
  const Value pod = spec["template"]["spec"];
  if (const Value network = pod["hostNetwork"]; network.truth().value_or(false)) {
    findings.note(network, concat({"the ", std::to_string(replicas),
                                   " pods share the host's ports: each port is one pod's"}));
    return;
  }
  for (const Value& container : pod["containers"].items())
    for (const Value& port : container["ports"].items())
      if (const Value host = port["hostPort"]; host.integer().value_or(0) > 0)
        findings.note(host, concat({"is for the first pod of ", name.text(),
                                    " alone: a port of the host has one owner"}));
}

}  // namespace

void check_template(const Value& pod_template, Findings& findings) {
  if (!pod_template.present()) {
    findings.required(pod_template);
    return;
  }
  const Value metadata = pod_template["metadata"];
  check_labels(metadata["labels"], findings);
  check_annotations(metadata["annotations"], findings);
  if (!metadata["name"].text().empty())
    findings.note(metadata["name"], "has no effect here: the names of the pods are made up");
  check_pod_parts(pod_template, findings);
}

void check_workload_rules(const Value& object, WorkloadKind kind, Findings& findings) {
  check_metadata(object, findings);
  const Value name = object["metadata"]["name"];
  if (name.text().empty() && !object["metadata"]["generateName"].text().empty())
    findings.required(name, "no names are made up here; write metadata.name");
  const Value spec = object["spec"];
  if (kind == WorkloadKind::job) return check_job_rules(spec, name, findings);
  if (kind == WorkloadKind::cron_job) return check_cron_job_rules(object, findings);
  const Value replicas = spec["replicas"];
  check_at_least_zero(replicas, findings);
  if (replicas.integer().value_or(0) > most_replicas)
    findings.invalid(replicas, "must be at most 1000 on one machine");
  check_at_least_zero(spec["minReadySeconds"], findings);
  check_at_least_zero(spec["revisionHistoryLimit"], findings);
  check_selector(spec, kind, findings);
  const Node whole = with_claims(spec);
  const Value pod_template = whole.is_map() ? Value(whole, "spec.template") : spec["template"];
  check_template(pod_template, findings);
  const Value policy = pod_template["spec"]["restartPolicy"];
  if (policy.present() && (policy.is("OnFailure") || policy.is("Never")))
    findings.unsupported(policy, always);
  if (const Value deadline = pod_template["spec"]["activeDeadlineSeconds"]; deadline.present())
    findings.forbidden(deadline,
                       concat({"activeDeadlineSeconds in ",
                               kind == WorkloadKind::deployment ? "ReplicaSet" : kind_name(kind),
                               " is not Supported"}));
  if (kind != WorkloadKind::daemon_set) note_host_ports(spec, name, findings);
  if (kind == WorkloadKind::deployment) check_deployment(spec, findings);
  if (kind == WorkloadKind::daemon_set) check_daemon_set(spec, findings);
  if (kind == WorkloadKind::stateful_set) check_stateful_set(spec, findings);
}

}  // namespace pausa::pod
