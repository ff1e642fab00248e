#include "cli/rollout.hpp"

#include "cli/command.hpp"
#include "cli/remove_pod.hpp"
#include "image/library.hpp"
#include "sys/error.hpp"

#include <poll.h>

#include <algorithm>
#include <iostream>
#include <set>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds return_patience(60);
constexpr std::chrono::milliseconds at_once(0);

state::PodKey key_of(const WantedPod& pod) {
  return {pod.loaded.pod.metadata.namespace_, pod.loaded.pod.metadata.name};
}

bool interrupted(const Patience& patience) {
  pollfd ready{patience.interrupt, POLLIN, 0};
  return patience.interrupt >= 0 && ::poll(&ready, 1, 0) > 0;
}

// The pods of a set, each on its way.
class Procession {
 public:
  Procession(const state::Store& store, std::vector<WantedPod> pods, sys::UniqueFd kept)
      : store_(store), pods_(std::move(pods)), kept_(std::move(kept)) {
    for (const auto& pod : pods_) keys_.push_back(key_of(pod));
  }

  const std::vector<state::PodKey>& keys() const { return keys_; }

  // Sets all on their way that need not wait for their turn. False: interrupted. Throws sys::Error.
  bool begin(const Patience& patience) {
    tell_changes();
    make_room([](const WantedPod& pod) { return pod.turn == Turn::any; });
    ways_.resize(pods_.size());
    for (std::size_t i = 0; i < pods_.size(); ++i)
      if (pods_[i].turn == Turn::any) begin_update_of(i);
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      if (interrupted(patience)) return false;
      if (pods_[i].turn == Turn::any) begin_start_of(i);
    }
    let_images_go();
    return true;
  }

  // Until it has run, or will not. To be asked in the order of the pods.
  StartResult await(std::size_t i, const Patience& patience) {
    if (pods_[i].turn != Turn::any) {
      auto obstacle = await_turn(i, patience);
      if (obstacle.kind != StartResult::Kind::running) return obstacle;
      make_room([&](const WantedPod& pod) { return &pod == &pods_[i]; });
      begin_update_of(i);
      begin_start_of(i);
      let_images_go();
    }
    auto& way = ways_[i];
    if (way.update) {
      switch (way.update->listen(patience)) {
        case SupervisorCall::Heard::interrupted:
          return {StartResult::Kind::interrupted, "interrupted"};
        case SupervisorCall::Heard::timed_out:
          return {StartResult::Kind::timed_out, "it is still being changed"};
        case SupervisorCall::Heard::settled:
          break;
      }
      const auto reply = way.update->wait();
      way.update.reset();
      if (reply && !reply->ok) return {StartResult::Kind::failed, reply->error};
      if (!reply) start(i);  // its supervisor died over it
      let_images_go();
    }
    auto result = await_start(store_, way.starting, patience.deadline, patience.interrupt);
    last_ = result.kind;
    return result;
  }

 private:
  struct Way {
    std::optional<SupervisorCall> update;
    StartingPod starting;
    bool begun = false;
  };

  void tell_changes() const {
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      const auto& plan = pods_[i].plan;
      const bool changes =
          plan.kind == PodPlan::Kind::update || plan.kind == PodPlan::Kind::recreate;
      if (changes && !pods_[i].options.quiet)
        std::cerr << "pausa: pod " << plan_text(keys_[i], plan) << std::endl;
    }
  }

  // The pod before it of the same workload has run by now, or never will; it may have to be ready.
  StartResult await_turn(std::size_t i, const Patience& patience) const {
    const Target before{keys_[i - 1], ""};
    if (last_ != StartResult::Kind::running)
      return {last_, before.key.name + " before it does not run"};
    if (pods_[i].turn != Turn::after_ready) return {};
    if (!pods_[i].options.quiet &&
        look(store_, before, Goal::ready).kind == Progress::Kind::on_the_way)
      std::cerr << "pausa: pod " << keys_[i].name << " waits until " << before.key.name
                << " is ready" << std::endl;
    const auto progress = wait_pod(store_, before, Goal::ready, patience);
    switch (progress.kind) {
      case Progress::Kind::reached:
        return {};
      case Progress::Kind::interrupted:
        return {StartResult::Kind::interrupted, "interrupted"};
      case Progress::Kind::on_the_way:
        return {StartResult::Kind::timed_out,
                before.key.name + " before it is not ready: " + progress.missing};
      case Progress::Kind::impossible:
        break;
    }
    return {StartResult::Kind::ended,
            before.key.name + " before it will not be ready: " + progress.missing};
  }

  // Those that are made anew end at the same time.
  template <typename Counts>
  void make_room(Counts counts) {
    std::vector<state::PodKey> ending;
    for (std::size_t i = 0; i < pods_.size(); ++i)
      if (pods_[i].plan.kind == PodPlan::Kind::recreate && counts(pods_[i]))
        ending.push_back(keys_[i]);
    if (ending.empty()) return;
    if (end_pods(store_, ending, true, std::nullopt, true) != exit_ok)
      throw sys::Error("a pod that is to be made anew could not be ended");
  }

  void begin_update_of(std::size_t i) {
    auto& pod = pods_[i];
    ways_[i].starting.key = keys_[i];
    if (pod.plan.kind == PodPlan::Kind::update)
      ways_[i].update =
          begin_update(store_, keys_[i], pod::to_json(pod.loaded.object), pod.images.containers);
    if (ways_[i].update) ways_[i].begun = true;
    const bool lives = ways_[i].update || pod.plan.kind == PodPlan::Kind::keep;
    if (lives && !pod.options.origin.empty() && store_.read_origin(keys_[i]) != pod.options.origin)
      store_.write_origin(keys_[i], pod.options.origin);
  }

  void begin_start_of(std::size_t i) {
    if (ways_[i].update) return;
    if (pods_[i].plan.kind != PodPlan::Kind::keep) return start(i);
    // What it is wanted to be it may have to be made again on the machine.
    if (const auto record = store_.read(keys_[i]))
      supervisor::restore_network(store_.paths(), *record);
  }

  // A start has written its record, a change has when it is answered.
  void let_images_go() {
    for (std::size_t i = 0; i < pods_.size(); ++i) {
      const bool begun = pods_[i].plan.kind == PodPlan::Kind::keep || ways_[i].begun;
      if (!begun || ways_[i].update) return;
    }
    kept_.reset();
  }

  void start(std::size_t i) {
    auto& pod = pods_[i];
    ways_[i].begun = true;
    ways_[i].starting =
        start_pod(store_, std::move(pod.loaded), std::move(pod.images), pod.options);
  }

  const state::Store& store_;
  std::vector<WantedPod> pods_;
  std::vector<state::PodKey> keys_;
  std::vector<Way> ways_;
  sys::UniqueFd kept_;
  StartResult::Kind last_ = StartResult::Kind::running;  // of the pod before
};

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
    journal.pods.push_back({key, *manifest, store.read_origin(key), record->backoff_initial_ns,
                            record->backoff_maximum_ns, record->backoff_reset_ns,
                            record->exact_probes, std::move(images), record->volumes});
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
  RolloutResult result;
  try {
    // Before the pods that read them.
    apply_objects(state::ObjectStore(store.paths()), objects);
    objects = {};  // the supervisors that are forked below need them not
    Procession procession(store, std::move(pods), std::move(kept));
    result.taken_back = !procession.begin(patience);
    if (result.taken_back) result.code = exit_interrupted;
    if (!result.taken_back) refresh_pods(store, namespaces);
    const auto& keys = procession.keys();
    for (std::size_t i = 0; i < keys.size() && !result.taken_back; ++i)
      result.taken_back = note(procession.await(i, patience), keys[i], result);
  } catch (const sys::Error& error) {
    std::cerr << "pausa: " << error.what() << "\n";
    result = {exit_failed, true, {}};
  }
  if (!result.taken_back) {
    undertaking.stands();
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
  const image::Store images(store.paths().root);
  const auto& spec = pod.loaded.pod.spec;
  for (std::size_t i = 0; i < pod::container_count(spec); ++i) {
    const auto& name = pod::container_at(spec, i).image;
    pod.images.containers.push_back(i < before.images.size()
                                        ? image::resolve_again(name, before.images[i], images)
                                        : image::resolve(name, images));
  }
  pod.images.volumes = before.volumes;
  pod.plan = plan_pod(store, before.key, pod.loaded.object);
  pod.options.backoff = {pod::Duration(before.backoff_initial_ns),
                         pod::Duration(before.backoff_maximum_ns),
                         pod::Duration(before.backoff_reset_ns)};
  pod.options.quiet = true;
  pod.options.exact_probes = before.exact_probes;
  pod.options.origin = before.origin;
  return pod;
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
        continue;
      }
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
