#include "cli/start_pod.hpp"

#include "cli/bring_images.hpp"
#include "cli/command.hpp"
#include "cli/log_view.hpp"
#include "cli/plan_pod.hpp"
#include "cli/remove_pod.hpp"
#include "cli/supervisor_call.hpp"
#include "cli/target.hpp"
#include "cli/wait_pod.hpp"
#include "image/library.hpp"
#include "log/layout.hpp"
#include "supervisor/event_log.hpp"
#include "supervisor/limits.hpp"
#include "supervisor/networks.hpp"
#include "supervisor/policies.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/pause.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(10);
constexpr std::chrono::milliseconds lock_round(20);

state::Record new_record(const pod::Spec& spec, const state::PodKey& key,
                         const std::vector<image::ResolvedImage>& images,
                         const pod::BackoffPolicy& backoff) {
  state::Record record;
  record.key = key;
  record.uid = state::make_uid();
  record.boot_id = sys::boot_id();
  record.created_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  record.cgroup = "pausa/" + record.uid;
  record.backoff = backoff;
  std::size_t index = 0;
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list) {
      state::ContainerRecord entry;
      entry.name = container.name;
      entry.init = list == &spec.init_containers;
      entry.image = images[index++].description;
      record.containers.push_back(std::move(entry));
      record.state.containers.emplace_back();
    }
  return record;
}

void tell(const state::PodKey& key, const std::string& note) {
  if (!note.empty()) std::cerr << "pausa: pod " << key.name << ": " << note << std::endl;
}

supervisor::UserNetwork choose_network(const state::Store& store, const pod::Spec& spec,
                                       std::optional<supervisor::NetworkChoice> asked,
                                       const std::string& name, bool quiet, state::Record& record) {
  supervisor::UserNetwork user;
  try {
    const auto note = name.empty()
                          ? supervisor::choose_network(store, spec, asked, record, user)
                          : supervisor::choose_named_network(store, spec, name, record, user);
    if (!quiet) tell(record.key, note);
    return user;
  } catch (sys::Error& error) {
    error.prepend("pod " + record.key.name);
    throw;
  }
}

// From here on others see the pod, which ids it has, and which addresses, and policies guard it.
// manifest, words: to be stored, where nothing of it was there before; else it stays, stopped, when
// there is no address for it.
void write_first(const state::Store& store, const pod::Pod& pod, const supervisor::Host& host,
                 const std::string* manifest, const supervisor::UserNetwork& user,
                 state::Record& record, const std::string& words = {}) {
  // Without root every pod is in a user namespace, and the user has but one range of ids for all.
  if (!pod.spec.host_users && host.root)
    supervisor::allocate_ids(store, record);
  else
    store.write(record);
  try {
    // Before the manifest: who starts the pod after a reboot has nothing else to go by.
    if (manifest != nullptr) supervisor::keep_network_words(store, record.key, words);
    if (manifest != nullptr) store.write_manifest(record.key, *manifest);
    supervisor::lease_address(store, pod, record);
    // By it others see the address: a policy that is stored after we looked is made for it, too.
    store.write(record);
    if (supervisor::has_policies(store))
      tell(record.key, supervisor::guard_pod(store, record.key, user));
  } catch (const sys::Error&) {
    if (manifest != nullptr) {
      (void)supervisor::reconcile(store, host.cgroups, record, true);
    } else {
      record.state.finished = true;
      store.write(record);
    }
    throw;
  }
}

// Pids of an earlier boot mean other processes by now.
void forget_processes(state::Record& record) {
  record.infra = record.supervisor = record.guard = {};
  for (auto& container : record.containers) container.process = {};
}

bool runs(const state::Record& record) {
  return !record.state.finished && record.boot_id == sys::boot_id() &&
         (sys::alive(record.supervisor) || sys::alive(record.infra));
}

// Empty: somebody else has started the pod, whose supervisor keeps the lock.
state::Lock lock_to_start(const state::Store& store, const state::PodKey& key) {
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  for (;;) {
    auto lock = store.lock(key, lock_round);
    if (lock) return lock;
    if (const auto record = store.read(key); record && runs(*record)) return lock;
    if (std::chrono::steady_clock::now() >= deadline) throw busy_pod(key);
  }
}

// The living pod takes the changed manifest over. False when its supervisor is not there (any
// more).
bool update_pod(const state::Store& store, const state::PodKey& key, const std::string& manifest,
                const std::vector<image::ResolvedImage>& images) {
  auto call = begin_update(store, key, manifest, images);
  const auto reply = call ? call->wait() : std::nullopt;
  if (reply && !reply->ok) throw sys::Error("pod " + key.name + ": " + reply->error);
  return reply.has_value();
}

// Makes a pod that runs what it is wanted to be. False when there is none (any more) and one is to
// be created.
bool bring_up_to_date(const state::Store& store, const state::PodKey& key,
                      const manifest::LoadedPod& loaded, const std::string& manifest,
                      const std::vector<image::ResolvedImage>& images, bool quiet) {
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  std::string told;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto plan = plan_pod(store, key, loaded.object);
    if (plan.kind == PodPlan::Kind::create) return false;
    if (plan.kind == PodPlan::Kind::keep) return true;
    const auto text = plan_text(key, plan);
    if (!quiet && text != told) std::cerr << "pausa: pod " << text << std::endl;
    told = text;
    if (plan.kind == PodPlan::Kind::recreate) {
      (void)end_pod(store, key, true, std::nullopt);
      return false;
    }
    if (update_pod(store, key, manifest, images)) return true;
    // It died over it, or does not listen yet.
    sys::pause_briefly();
    if (auto record = store.read(key)) (void)revive(store, std::move(*record));
  }
  throw sys::Error("pod " + key.name + ": its supervisor does not answer");
}

// What was added to the pod while it ran ends with it.
void drop_ephemeral(state::Record& record) {
  const auto end = static_cast<std::ptrdiff_t>(pod::first_ephemeral(record.state));
  record.containers.erase(record.containers.begin() + end, record.containers.end());
  record.state.containers.erase(record.state.containers.begin() + end,
                                record.state.containers.end());
}

// Where people of Kubernetes look for it: in the status of the containers and among the events.
void tell_missing(const state::Store& store, const state::PodKey& key,
                  const std::vector<MissingImage>& missing, std::optional<state::Record> record) {
  supervisor::EventLog events(store, key);
  for (const auto& image : missing) {
    const bool pulled = image.reason == pod::pull_error;
    events.add(true, pulled ? "Failed" : image.reason, image.container, image.message);
    events.add(true, "Failed", image.container, "Error: " + image.reason);
    for (std::size_t i = 0; record && i < record->containers.size(); ++i) {
      if (record->containers[i].name != image.container) continue;
      auto& state = record->state.containers[i];
      if (state.terminated) state.last = std::move(state.terminated);
      state.terminated.reset();
      state.stage = pod::ContainerState::Stage::waiting;
      state.waiting_reason = image.reason;
      state.waiting_message = image.message;
    }
  }
  events.flush();
  if (record) store.write(*record);
  const auto& first = missing.front();
  throw sys::Error("container " + first.container + ": " + first.reason + ": " + first.message);
}

// A reboot has taken the record; the logs still tell how often the containers were started.
void count_instances(const state::Store& store, state::Record& record) {
  const sys::UniqueFd logs = sys::try_open_at(
      AT_FDCWD, store.paths().data_dir(record.key) + "/logs", O_RDONLY | O_DIRECTORY);
  if (!logs) return;
  for (std::size_t i = 0; i < record.containers.size(); ++i) {
    const auto instances = log::list_instances(logs.get(), record.containers[i].name);
    if (!instances.empty())
      record.state.containers[i].launches = static_cast<std::uint32_t>(instances.back() + 1);
  }
}

}  // namespace

void choose_network(const std::string& text, StartOptions& options) {
  options.network = supervisor::parse_network(text);
  options.network_name = options.network ? "" : text;
}

std::string lasting_network_words(const StartOptions& options) {
  if (!options.network_name.empty()) return options.network_name;
  const auto choice = options.network ? options.network : supervisor::configured_network();
  if (!choice) return {};
  for (const char* word : {"none", "bridge", "pasta", "host"})
    if (supervisor::parse_network(word) == choice) return word;
  return {};
}

void use_host_network(manifest::LoadedPod& loaded) {
  loaded.pod.spec.host_network = true;
  if (auto* spec = loaded.object.find("spec"))
    spec->set("hostNetwork", pod::Node::make_boolean(true));
}

std::optional<SupervisorCall> begin_update(const state::Store& store, const state::PodKey& key,
                                           const std::string& manifest,
                                           const std::vector<image::ResolvedImage>& images) {
  store.stage_manifest(key, manifest);
  control::Request request;
  request.op = control::Op::update;
  for (const auto& image : images) request.images.push_back(image.description);
  return SupervisorCall::put(store, key, request);
}

StartingPod start_pod(const state::Store& store, manifest::LoadedPod loaded, PodImages found,
                      const StartOptions& options) {
  auto& images = found.containers;
  const state::PodKey key{loaded.pod.metadata.namespace_, loaded.pod.metadata.name};
  std::string manifest = pod::to_json(loaded.object);
  auto host = supervisor::Host::probe();
  // Before the lock, which makes the pod's folder.
  if (const auto why = supervisor::why_no_limits(host.cgroups, loaded.pod.spec))
    throw sys::Error("pod " + key.name + ": " + *why);
  state::Lock lock;
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  while (!lock) {
    // Whoever holds the lock may be about to make the very pod that we want, and keeps it then.
    if (bring_up_to_date(store, key, loaded, manifest, images, options.quiet))
      return {key, sys::UniqueFd()};
    lock = store.lock(key, lock_round);
    if (!lock && std::chrono::steady_clock::now() >= deadline) throw busy_pod(key);
    auto existing = lock ? store.read(key) : std::nullopt;
    if (!existing) continue;
    if (runs(*existing)) {
      // Nobody supervises it: the next one takes over what runs.
      lock.release();
      (void)revive(store, std::move(*existing));
      if (bring_up_to_date(store, key, loaded, manifest, images, options.quiet))
        return {key, sys::UniqueFd()};
      throw sys::Error("pod " + key.name + " ended while it was looked at; try again");
    }
    if (existing->boot_id != sys::boot_id()) forget_processes(*existing);
    // One that ended, or was left half made: it makes room.
    const auto failures = supervisor::reconcile(store, host.cgroups, *existing, true);
    if (!failures.empty()) throw failures.front();
    lock.release();  // of the folder that is gone
  }
  auto record = new_record(loaded.pod.spec, key, images, options.backoff);
  record.volumes = std::move(found.volumes);
  record.exact_probes = options.exact_probes;
  auto user_network = choose_network(store, loaded.pod.spec, options.network, options.network_name,
                                     options.quiet, record);
  write_first(store, loaded.pod, host, &manifest, user_network, record,
              loaded.pod.spec.host_network ? "" : lasting_network_words(options));
  if (!options.origin.empty()) store.write_origin(key, options.origin);
  manifest = {};
  loaded.object = {};
  supervisor::Charge charge{store, std::move(lock), std::move(record), std::move(loaded.pod),
                            std::move(images)};
  charge.user_network = std::move(user_network);
  charge.explain = options.explain;
  return {key, supervisor::spawn_new(std::move(charge), std::move(host))};
}

StartingPod start_again(const state::Store& store, const state::PodKey& key, bool explain) {
  if (!pod_exists(store, key))
    throw NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_);
  if (auto record = store.read(key); record && runs(*record)) {
    (void)revive(store, std::move(*record));
    return {key, sys::UniqueFd()};
  }
  // Before the lock, which nobody waits for as long as that may take.
  const auto missing = bring_again(
      store, key, "", ::isatty(STDERR_FILENO) == 1 ? PullProgress::bars : PullProgress::plain);
  auto lock = lock_to_start(store, key);
  if (!lock) return {key, sys::UniqueFd()};
  if (!pod_exists(store, key)) {
    store.remove_run_dir(key);  // which our lock has made
    throw NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_ + " any more");
  }
  auto record = store.read(key);
  if (record && runs(*record)) return {key, sys::UniqueFd()};  // somebody was faster
  auto host = supervisor::Host::probe();
  if (record && record->boot_id != sys::boot_id()) forget_processes(*record);
  if (record) drop_ephemeral(*record);
  if (!missing.empty()) tell_missing(store, key, missing, std::move(record));
  state::Record known;
  known.key = key;
  auto kept = image::Library(store.paths().root).keep_all();
  auto charge = supervisor::load_charge(store, std::move(lock), record.value_or(known));
  auto fresh = new_record(charge.pod.spec, key, charge.images, pod::BackoffPolicy());
  if (record) {
    const auto failures = supervisor::reconcile(store, host.cgroups, *record, false);
    if (!failures.empty()) throw failures.front();
    fresh.uid = record->uid;
    fresh.created_ns = record->created_ns;
    fresh.cgroup = "pausa/" + fresh.uid;
    fresh.backoff = record->backoff;
    fresh.exact_probes = record->exact_probes;
    fresh.volumes = resolve_volumes(charge.pod, store, record->volumes);
    if (record->state.containers.size() == fresh.state.containers.size())
      fresh.state.containers = std::move(record->state.containers);
    fresh.network = record->network;
    std::string note;
    charge.user_network = supervisor::join_again(store, fresh, note);
    tell(key, note);
  } else {
    count_instances(store, fresh);
    StartOptions kept_options;
    choose_network(supervisor::read_network_words(store, key), kept_options);
    charge.user_network = choose_network(store, charge.pod.spec, kept_options.network,
                                         kept_options.network_name, false, fresh);
    fresh.volumes = resolve_volumes(charge.pod, store);
  }
  write_first(store, charge.pod, host, nullptr, charge.user_network, fresh);
  kept.reset();
  charge.record = std::move(fresh);
  charge.again = true;
  charge.explain = explain;
  return {key, supervisor::spawn_new(std::move(charge), std::move(host))};
}

StartResult await_start(const state::Store& store, const StartingPod& pod,
                        std::optional<std::chrono::steady_clock::time_point> deadline,
                        int interrupt) {
  using Kind = StartResult::Kind;
  if (!pod.starter) {
    const auto progress = wait_pod(store, {pod.key, ""}, Goal::started, {deadline, interrupt});
    switch (progress.kind) {
      case Progress::Kind::reached:
        return {};
      case Progress::Kind::impossible:
        return {Kind::ended, progress.missing};
      case Progress::Kind::interrupted:
        return {Kind::interrupted, "interrupted"};
      case Progress::Kind::on_the_way:
        return {Kind::timed_out, progress.missing};
    }
  }
  for (;;) {
    int timeout = -1;
    if (deadline)
      timeout = static_cast<int>(std::clamp<std::int64_t>(
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now())
              .count(),
          0, 1'000'000'000));
    std::array<pollfd, 2> ready{{{pod.starter.get(), POLLIN, 0}, {interrupt, POLLIN, 0}}};
    const int polled = ::poll(ready.data(), ready.size(), timeout);
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) return {Kind::timed_out, look(store, {pod.key, ""}, Goal::started).missing};
    if (ready[0].revents == 0) return {Kind::interrupted, "interrupted"};
    const auto reply = supervisor::receive_starter(pod.starter.get());
    switch (reply.kind) {
      case supervisor::StarterReply::Kind::explain:
        write_out(STDOUT_FILENO, reply.text);
        continue;
      case supervisor::StarterReply::Kind::running:
        return {};
      case supervisor::StarterReply::Kind::failed:
        return {store.read(pod.key) ? Kind::ended : Kind::failed, reply.text};
      case supervisor::StarterReply::Kind::lost:
        return {Kind::failed, "its supervisor died while it started"};
    }
  }
}

}  // namespace pausa::cli
