#include "cli/plan_pod.hpp"

#include "supervisor/stored_pod.hpp"
#include "sys/process.hpp"

namespace pausa::cli {

bool is_up(const state::Record& record) {
  return !record.state.finished && record.desired == state::Desired::running &&
         sys::alive(record.supervisor);
}

PodPlan plan_pod(const state::Store& store, const state::PodKey& key, const pod::Node& wanted) {
  PodPlan plan;
  const auto record = store.read(key);
  if (!record || !is_up(*record)) return plan;
  const auto stored = supervisor::find_stored_pod(store, key);
  if (!stored) return plan;
  plan.changes = pod::compare(stored->object, wanted);
  if (!plan.changes.any())
    plan.kind = PodPlan::Kind::keep;
  else
    plan.kind = plan.changes.recreate.empty() ? PodPlan::Kind::update : PodPlan::Kind::recreate;
  return plan;
}

std::string plan_text(const state::PodKey& key, const PodPlan& plan) {
  std::string text = key.name + ": ";
  switch (plan.kind) {
    case PodPlan::Kind::create:
      return text + "create";
    case PodPlan::Kind::keep:
      return text + "keep";
    case PodPlan::Kind::recreate:
      return text + "recreate (" + plan.changes.recreate + " changed)";
    case PodPlan::Kind::update:
      break;
  }
  const auto& changes = plan.changes;
  if (changes.restart.empty() && changes.resize.empty())
    return text + "update labels and annotations";
  const auto add = [&text](const char* verb, const std::vector<std::string>& names) {
    for (const auto& name : names) text += (&name == &names.front() ? verb : ", ") + name;
  };
  add("restart ", changes.restart);
  add(changes.restart.empty() ? "resize " : "; resize ", changes.resize);
  return text;
}

}  // namespace pausa::cli
