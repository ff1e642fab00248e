#include "cli/start_pod.hpp"

#include "sys/error.hpp"
#include "sys/process.hpp"

#include <poll.h>

#include <cstdio>

namespace pausa::cli {
namespace {

constexpr std::chrono::seconds lock_patience(10);

state::Record new_record(const manifest::LoadedPod& loaded, const state::PodKey& key,
                         const std::vector<image::ResolvedImage>& images,
                         const pod::BackoffPolicy& backoff, const supervisor::Host& host) {
  state::Record record;
  record.key = key;
  record.uid = state::make_uid();
  record.boot_id = sys::boot_id();
  record.created_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                          std::chrono::system_clock::now().time_since_epoch())
                          .count();
  record.program = host.program;
  record.cgroup = "pausa/" + record.uid;
  record.backoff_initial_ns = backoff.initial.count();
  record.backoff_maximum_ns = backoff.maximum.count();
  record.backoff_reset_ns = backoff.reset_after.count();
  const auto& spec = loaded.pod.spec;
  std::size_t index = 0;
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list) {
      state::ContainerRecord entry;
      entry.name = container.name;
      entry.init = list == &spec.init_containers;
      entry.image = images[index++].description;
      entry.cgroup = record.cgroup + "/" + container.name;
      record.containers.push_back(std::move(entry));
      record.state.containers.emplace_back();
    }
  return record;
}

}  // namespace

std::vector<image::ResolvedImage> resolve_images(const manifest::LoadedPod& loaded,
                                                 const std::string& folder,
                                                 const state::Store& store) {
  const image::Store images(store.paths().root);
  std::vector<image::ResolvedImage> resolved;
  const auto& spec = loaded.pod.spec;
  for (const auto* list : {&spec.init_containers, &spec.containers})
    for (const auto& container : *list) {
      std::string reference = container.image;
      // As for hostPath: relative to where the manifest lies, not to where the user stands.
      constexpr std::string_view scheme = "dir:";
      if (reference.starts_with(scheme) && reference.size() > scheme.size() &&
          reference[scheme.size()] != '/')
        reference = std::string(scheme) + folder + "/" + reference.substr(scheme.size());
      try {
        resolved.push_back(image::resolve(reference, images));
      } catch (sys::Error& error) {
        error.prepend("pod " + loaded.pod.metadata.name + ": container " + container.name);
        throw;
      }
    }
  return resolved;
}

StartingPod start_pod(const state::Store& store, const manifest::LoadedPod& loaded,
                      std::vector<image::ResolvedImage> images, const pod::BackoffPolicy& backoff,
                      bool explain) {
  (void)explain;
  const state::PodKey key{loaded.pod.metadata.namespace_, loaded.pod.metadata.name};
  if (const auto existing = store.read(key);
      existing && !existing->state.finished && sys::alive(existing->supervisor))
    throw sys::Error("pod " + key.name + " is up already; pausa down " + key.name +
                     " removes it, pausa restart " + key.name + " starts it anew");
  auto lock = store.lock(key, lock_patience);
  if (!lock) throw sys::Error("pod " + key.name + " is being changed by another command");
  auto host = supervisor::Host::probe();
  if (auto existing = store.read(key)) {
    if (!existing->state.finished && existing->boot_id == sys::boot_id() &&
        sys::alive(existing->infra))
      throw sys::Error("pod " + key.name + " is up already; pausa down " + key.name +
                       " removes it");
    // One that ended, or was left half made: it makes room.
    const auto failures = supervisor::reconcile(store, host.cgroups, *existing, true);
    if (!failures.empty()) throw failures.front();
    lock.release();
    lock = store.lock(key, lock_patience);
    if (!lock) throw sys::Error("pod " + key.name + " is being changed by another command");
  }
  auto record = new_record(loaded, key, images, backoff, host);
  if (const auto why = host.cgroups.why_not(supervisor::pod_limits(loaded.pod.spec)))
    throw sys::Error("pod " + key.name + ": " + *why);
  store.write(record);
  store.write_manifest(key, pod::to_json(loaded.object));
  supervisor::Charge charge{store, std::move(lock), std::move(record), loaded.pod,
                            std::move(images)};
  return {key, supervisor::spawn_new(std::move(charge), std::move(host))};
}

std::optional<std::string> await_start(
    const StartingPod& pod, std::optional<std::chrono::steady_clock::time_point> deadline,
    bool& timed_out) {
  timed_out = false;
  for (;;) {
    int timeout = -1;
    if (deadline)
      timeout = static_cast<int>(std::max<std::int64_t>(
          0,
          std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now())
              .count()));
    pollfd ready{pod.starter.get(), POLLIN, 0};
    const int polled = ::poll(&ready, 1, timeout);
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) {
      timed_out = true;
      return "its containers did not run in time";
    }
    const auto reply = supervisor::receive_starter(pod.starter.get());
    switch (reply.kind) {
      case supervisor::StarterReply::Kind::explain:
        (void)std::fwrite(reply.text.data(), 1, reply.text.size(), stdout);
        continue;
      case supervisor::StarterReply::Kind::running:
        return std::nullopt;
      case supervisor::StarterReply::Kind::failed:
        return reply.text;
      case supervisor::StarterReply::Kind::lost:
        return "its supervisor died while it started";
    }
  }
}

}  // namespace pausa::cli
