#include "pod/fields.hpp"

#include "pod/schema.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace pausa::pod {
namespace {

// What the API server fills in, or what is so here in any case: nothing is asked for.
struct Harmless {
  std::string_view field;
  std::string_view value;
};
constexpr Harmless harmless[] = {
    {"Container.imagePullPolicy", "IfNotPresent"},
    {"Container.imagePullPolicy", "Never"},
    {"Container.terminationMessagePath", "/dev/termination-log"},
    {"Container.terminationMessagePolicy", "File"},
    {"PodSpec.dnsPolicy", "ClusterFirst"},
    {"PodSpec.dnsPolicy", "Default"},
    {"PodSpec.dnsPolicy", "None"},  // refused by check_our_rules()
    {"PodSpec.preemptionPolicy", "PreemptLowerPriority"},
    {"PodSpec.schedulerName", "default-scheduler"},
    {"PodSpec.serviceAccount", "default"},
    {"PodSpec.serviceAccountName", "default"},
    {"CronJobSpec.concurrencyPolicy", "Allow"},
    {"JobSpec.podReplacementPolicy", "TerminatingOrFailed"},
    {"JobSpec.managedBy", "kubernetes.io/job-controller"},
};
constexpr std::pair<std::string_view, std::int64_t> harmless_numbers[] = {
    {"PodSpec.priority", 0},
    {"ContainerPort.hostPort", 0},
    {"DeploymentSpec.minReadySeconds", 0},
    {"DeploymentSpec.progressDeadlineSeconds", 600},
    {"DeploymentSpec.revisionHistoryLimit", 10},
    {"ReplicaSetSpec.minReadySeconds", 0},
    {"DaemonSetSpec.minReadySeconds", 0},
    {"DaemonSetSpec.revisionHistoryLimit", 10},
    {"StatefulSetSpec.minReadySeconds", 0},
    {"StatefulSetSpec.revisionHistoryLimit", 10},
};

// Empty lists, maps and texts, and false too.
bool asks_for_nothing(const Value& value, std::string_view field) {
  if (!value.present()) return true;
  switch (value.node()->kind) {
    case Node::Kind::list:
      return value.size() == 0;
    case Node::Kind::map:
      return value.size() == 0 ||
             (field.ends_with(".appArmorProfile") && value["type"].is("Unconfined"));
    case Node::Kind::string:
      return value.text().empty() ||
             std::any_of(std::begin(harmless), std::end(harmless), [&](const Harmless& known) {
               return known.field == field && known.value == value.text();
             });
    case Node::Kind::boolean:
      return !*value.truth() || field == "PodSpec.enableServiceLinks";
    case Node::Kind::integer:
      return std::find(std::begin(harmless_numbers), std::end(harmless_numbers),
                       std::pair(field, *value.integer())) != std::end(harmless_numbers);
    default:
      return false;
  }
}

std::string refusal(const FieldSupport& row) {
  std::string text = "not supported by pausa";
  if (row.support == Support::not_yet) text += " yet";
  return text + ": " + std::string(row.note);
}

void check_object(const Value& object, const schema::Type& type, Findings& findings);

void check_field(const Value& value, const schema::Field& field, const schema::Type& owner,
                 Findings& findings) {
  const FieldSupport* const row = find_support(owner.name, field.name);
  if (!row || asks_for_nothing(value, row->field)) return;
  switch (row->support) {
    case Support::not_yet:
    case Support::unsupported:
      findings.forbidden(value, refusal(*row));
      return;
    case Support::no_effect:
      findings.note(value, "has no effect here: " + std::string(row->note));
      return;
    case Support::pending:
      findings.warn(value, "has no effect yet: " + std::string(row->note));
      return;
    case Support::done:
      break;
  }
  const schema::Type* const type = field.type();
  if (!type) return;
  if (field.shape == schema::Shape::list) {
    for (const Value& item : value.items()) check_object(item, *type, findings);
  } else {
    check_object(value, *type, findings);
  }
}

void check_object(const Value& object, const schema::Type& type, Findings& findings) {
  if (!object.present() || !object.node()->is_map()) return;
  for (const Entry& entry : object.node()->entries)
    if (const schema::Field* const field = type.find(entry.key))
      check_field(object[entry], *field, type, findings);
}

}  // namespace

const FieldSupport* find_support(std::string_view type, std::string_view field) {
  const auto table = field_table();
  const auto found = std::find_if(table.begin(), table.end(), [&](const FieldSupport& row) {
    return row.field.size() == type.size() + 1 + field.size() && row.field.starts_with(type) &&
           row.field[type.size()] == '.' && row.field.ends_with(field);
  });
  return found == table.end() ? nullptr : &*found;
}

std::string_view support_text(Support support) {
  switch (support) {
    case Support::done:
      return "done";
    case Support::no_effect:
      return "accepted, no effect here";
    case Support::pending:
      return "accepted, no effect yet";
    case Support::not_yet:
      return "not supported yet";
    case Support::unsupported:
      break;
  }
  return "not supported";
}

void check_support(const Value& pod, Findings& findings) {
  check_support(pod, "Pod", findings);
}

void check_support(const Value& pod, std::string_view kind, Findings& findings) {
  check_object(pod, *schema::find_kind(kind), findings);
  const Value status = pod["status"];
  if (status.size() > 0) findings.note(status, "has no effect here: the status is made anew");
}

}  // namespace pausa::pod
