#include "cli/rollout.hpp"

#include "cli/command.hpp"
#include "cli/node_ports.hpp"
#include "cli/remove_pod.hpp"
#include "cli/supervisor_call.hpp"
#include "image/library.hpp"
#include "supervisor/images.hpp"
#include "supervisor/networks.hpp"
#include "supervisor/policies.hpp"
#include "supervisor/services.hpp"
#include "sys/error.hpp"

#include <algorithm>
#include <iostream>
#include <set>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds return_patience(60);
constexpr std::chrono::milliseconds at_once(0);

// What is there now of all that is about to change.
state::Journal journal_of(const state::Store& store, const std::vector<ObjectPlan>& objects,
                          const std::vector<WantedPod>& pods) {
  state::Journal journal;
  for (const auto& plan : objects)
    if (plan.kind != ObjectPlan::Kind::keep)
      journal.objects.push_back({plan.object.kind, plan.object.metadata.namespace_,
                                 plan.object.metadata.name, plan.before});
  for (const auto& pod : pods) {
    const auto key = key_of(pod);
    if (pod.plan.kind == PodPlan::Kind::keep) continue;
    const auto manifest =
        pod.plan.kind == PodPlan::Kind::create ? std::nullopt : store.read_manifest(key);
    const auto record = manifest ? store.read(key) : std::nullopt;
    if (!record) {
      journal.made.push_back(key);
      continue;
    }
    std::vector<std::string> images;
    for (const auto& container : record->containers)
      if (container.ephemeral.empty()) images.push_back(container.image);
    journal.pods.push_back({key, *manifest, store.read_origin(key), record->backoff,
                            record->exact_probes, std::move(images), record->volumes,
                            supervisor::read_network_words(store, key)});
  }
  return journal;
}

void tell_given_up(const std::string& path) {
  std::cerr << "pausa: not all of it could be taken back; how it was before is written in " << path
            << std::endl;
}

// The journal of an `up`, on the disk where there is more than one new pod: that one is made as a
// whole or not at all by its supervisor.
class Undertaking {
 public:
  Undertaking(const state::Store& store, state::Journal journal)
      : store_(store), journals_(store.paths()) {
    const bool single = journal.objects.empty() && journal.pods.empty() && journal.made.size() <= 1;
    if (single) {
      single_ = std::move(journal);
      return;
    }
    journal.owner = sys::self_id();
    journal.boot_id = sys::boot_id();
    id_ = journals_.add(journal);
  }

  void stands() const {
    if (!id_.empty()) journals_.remove(id_);
  }

  void take_back() const {
    const auto journal = id_.empty() ? single_ : journals_.read(id_);
    if (!id_.empty()) std::cerr << "pausa: taking back what was begun" << std::endl;
    if (cli::take_back(store_, journal))
      stands();
    else if (!id_.empty())
      tell_given_up(journals_.give_up(id_));
  }

 private:
  const state::Store& store_;
  state::Journals journals_;
  std::string id_;
  state::Journal single_;
};

std::set<std::string> changed_namespaces(const std::vector<ObjectPlan>& objects) {
  std::set<std::string> namespaces;
  for (const auto& plan : objects)
    if (plan.kind != ObjectPlan::Kind::keep) namespaces.insert(plan.object.metadata.namespace_);
  return namespaces;
}

// What awaiting one pod came to: whether all that was begun is to be taken back.
bool note(const StartResult& result, const state::PodKey& key, RolloutResult& all) {
  switch (result.kind) {
    case StartResult::Kind::running:
      all.up.push_back(key);
      return false;
    case StartResult::Kind::interrupted:
      all.code = exit_interrupted;
      return true;
    case StartResult::Kind::timed_out:
      std::cerr << "pausa: pod " << key.name << ": not all containers run in time: " << result.why
                << "\n";
      all.code = exit_timed_out;
      return false;
    case StartResult::Kind::ended:
    case StartResult::Kind::failed:
      break;
  }
  std::cerr << "pausa: pod " << key.name << ": " << result.why << "\n";
  all.code = exit_failed;
  return result.kind == StartResult::Kind::failed;
}

}  // namespace

RolloutResult roll_out(const state::Store& store, std::vector<ObjectPlan> objects,
                       std::vector<WantedPod> pods, sys::UniqueFd kept, const Patience& patience) {
  const Undertaking undertaking(store, journal_of(store, objects, pods));
  const auto namespaces = changed_namespaces(objects);
  const auto node_ports = new_node_ports(objects);
  RolloutResult result;
  try {
    // Before the pods that read them.
    apply_objects(store, objects);
    if (std::any_of(objects.begin(), objects.end(),
                    [](const ObjectPlan& plan) { return plan.object.policy != nullptr; }))
      supervisor::sync_policies(store);
    // Where nobody has asked for one, Services that cannot be made keep no pod from starting.
    if (std::any_of(objects.begin(), objects.end(),
                    [](const ObjectPlan& plan) { return plan.object.service != nullptr; }))
      supervisor::sync_services(store);
    objects = {};  // the supervisors that are forked below need them not
    Procession procession(store, std::move(pods), std::move(kept));
    result.taken_back = !procession.begin(patience);
    if (result.taken_back) result.code = exit_interrupted;
    if (!result.taken_back) {
      if (!namespaces.empty()) refresh_pods(store, namespaces);
      tell_taken(store, node_ports);
    }
    const auto& keys = procession.keys();
    for (std::size_t i = 0; i < keys.size() && !result.taken_back; ++i)
      result.taken_back = note(procession.await(i, patience), keys[i], result);
  } catch (const sys::Error& error) {
    std::cerr << "pausa: " << error.what() << "\n";
    result = {exit_failed, true, {}};
  }
  if (!result.taken_back) {
    undertaking.stands();
    if (const int code = sync_rules(store); code != exit_ok) result.code = code;
    return result;
  }
  result.up.clear();
  undertaking.take_back();
  return result;
}

namespace {

WantedPod wanted_again(const state::Store& store, const state::PodBefore& before) {
  auto loaded = manifest::load({{"manifest.json", before.manifest, "/"}}, {{"*"}});
  if (loaded.pods.size() != 1)
    throw sys::Error("pod " + before.key.name + ": its old manifest is damaged");
  WantedPod pod;
  pod.loaded = std::move(loaded.pods.front());
  pod.images.containers = supervisor::resolve_images(pod.loaded.pod.spec, before.images, store);
  pod.images.volumes = before.volumes;
  pod.plan = plan_pod(store, before.key, pod.loaded.object);
  pod.options.backoff = before.backoff;
  pod.options.quiet = true;
  pod.options.exact_probes = before.exact_probes;
  pod.options.origin = before.origin;
  choose_network(before.network, pod.options);
  return pod;
}

// Who is killed may have asked for a change that the supervisor has not come to: it answers in
// order, and then what is stored is what it runs.
void await_changes(const state::Store& store, const state::PodKey& key) {
  if (auto ping = SupervisorCall::put(store, key, {})) (void)ping->wait();
}

void tell(const sys::Error& error) {
  std::cerr << "pausa: " << error.what() << "\n";
}

bool put_back(const state::Store& store, const std::vector<state::ObjectBefore>& objects) {
  bool whole = true;
  const state::ObjectStore known(store.paths());
  std::set<std::string> namespaces;
  for (const auto& [kind, namespace_, name, before] : objects) {
    try {
      pod::Object object;
      object.kind = kind;
      object.metadata.name = name;
      object.metadata.namespace_ = namespace_;
      if (before ? known.put(*before) : known.remove(object)) namespaces.insert(namespace_);
    } catch (const sys::Error& error) {
      tell(error);
      whole = false;
    }
  }
  refresh_pods(store, namespaces);
  (void)sync_rules(store);
  return whole;
}

}  // namespace

bool take_back(const state::Store& store, const state::Journal& journal) {
  bool whole = true;
  std::vector<state::PodKey> ending;
  std::vector<WantedPod> returning;
  auto kept = image::Library(store.paths().root).keep_all();
  for (const auto& key : journal.made)
    if (pod_exists(store, key)) ending.push_back(key);
  for (const auto& before : journal.pods) {
    try {
      if (journal.boot_id != sys::boot_id()) {
        // The reboot has ended it: it is there, stopped.
        store.write_manifest(before.key, before.manifest);
        store.write_origin(before.key, before.origin);
        supervisor::keep_network_words(store, before.key, before.network);
        continue;
      }
      await_changes(store, before.key);
      returning.push_back(wanted_again(store, before));
      const auto kind = returning.back().plan.kind;
      const bool ends = kind == PodPlan::Kind::recreate ||
                        (kind == PodPlan::Kind::create && pod_exists(store, before.key));
      if (ends) {
        ending.push_back(before.key);
        returning.back().plan.kind = PodPlan::Kind::create;
      }
    } catch (const sys::Error& error) {
      tell(error);
      whole = false;
    }
  }
  whole = end_pods(store, ending, true, at_once, true) == exit_ok && whole;
  whole = put_back(store, journal.objects) && whole;
  try {
    Procession procession(store, std::move(returning), std::move(kept));
    (void)procession.begin({});
    const Patience patience{std::chrono::steady_clock::now() + return_patience};
    for (std::size_t i = 0; i < procession.keys().size(); ++i) {
      const auto result = procession.await(i, patience);
      if (result.kind == StartResult::Kind::running) continue;
      std::cerr << "pausa: pod " << procession.keys()[i].name << ": " << result.why << "\n";
      whole = whole && result.kind != StartResult::Kind::failed;
    }
  } catch (const sys::Error& error) {
    tell(error);
    whole = false;
  }
  return whole;
}

void take_back_abandoned(const state::Store& store) {
  const state::Journals journals(store.paths());
  if (journals.abandoned().empty()) return;
  const state::TakeBackLock lock(store.paths());
  for (const auto& id : journals.abandoned()) {
    std::cerr << "pausa: an up was cut off; taking back what it began" << std::endl;
    bool whole = false;
    try {
      whole = take_back(store, journals.read(id));
    } catch (const sys::Error& error) {
      tell(error);
    }
    if (whole)
      journals.remove(id);
    else
      tell_given_up(journals.give_up(id));
  }
}

}  // namespace pausa::cli
