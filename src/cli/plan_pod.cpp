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
  std::string what;
  const auto add = [&what](const std::string& verb, const std::vector<std::string>& names) {
    for (const auto& name : names)
      what += (&name != &names.front() ? ", " : what.empty() ? verb : "; " + verb) + name;
  };
  add("restart ", changes.restart);
  add("resize ", changes.resize);
  add("publish ports of ", changes.publish);
  return text + (what.empty() ? "update labels and annotations" : what);
}

}  // namespace pausa::cli
