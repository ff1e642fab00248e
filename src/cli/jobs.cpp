#include "cli/jobs.hpp"

#include "cli/command.hpp"
#include "cli/job_keeper.hpp"
#include "cli/objects.hpp"
#include "cli/plan_set.hpp"
#include "cli/remove_pod.hpp"
#include "cli/workloads.hpp"
#include "pod/decode.hpp"
#include "state/watch.hpp"
#include "sys/error.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace pausa::cli {
namespace {

using Kind = JobPlan::Kind;

constexpr const char* network_annotation = "pausa/network";

JobPlan plan_job(const state::Store& store, const WantedJob& wanted) {
  if (wanted.kind == pod::WorkloadKind::cron_job) return {Kind::store, {}};
  const auto job = state::JobStore(store.paths()).read(wanted.key);
  if (!job) return {Kind::create, {}};
  if (job->state.finished) return {Kind::again, {}};
  bool differs = false;
  std::string field = pod::fixed_difference(job->object, wanted.object, differs);
  if (!field.empty()) return {Kind::recreate, std::move(field)};
  return {differs ? Kind::update : Kind::keep, {}};
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int complain(const state::PodKey& key, const std::string& why, int code) {
  std::cerr << "pausa: job " << key.name << ": " << why << std::endl;
  return code;
}

// Whether the first pods of it have run.
Progress begun(const state::Store& store, const std::optional<state::Job>& job) {
  if (!job) return {Progress::Kind::impossible, "it was removed"};
  if (!job->failure.empty()) return {Progress::Kind::impossible, job->failure};
  const auto spec = pod::decode_job(job->object);
  if (job->state.finished || spec.suspend || spec.parallelism == 0 ||
      (spec.completions && *spec.completions == 0))
    return {Progress::Kind::reached, {}};
  if (job->state.made == 0) return {Progress::Kind::on_the_way, "it has no pods yet"};
  for (const auto& pod : job->state.active) {
    const state::PodKey key{job->key.namespace_, pod::job_pod_name(job->key.name, pod)};
    const auto progress = look(store, {key, ""}, Goal::started);
    // Of one that has ended by now the keeper will say what came of it.
    if (progress.kind != Progress::Kind::reached)
      return {Progress::Kind::on_the_way, key.name + ": " + progress.missing};
  }
  return {Progress::Kind::reached, {}};
}

void set_network(pod::Node& object, const std::string& words) {
  if (!words.empty())
    object.set("metadata")
        .set("annotations")
        .set(network_annotation, pod::Node::make_string(words));
}

}  // namespace

std::string network_of_cron_job(const pod::Node& object) {
  const auto* const metadata = object.find("metadata");
  const auto* const annotations = metadata ? metadata->find("annotations") : nullptr;
  const auto* const network = annotations ? annotations->find(network_annotation) : nullptr;
  return network ? network->text : std::string();
}

std::vector<WantedJob> wanted_jobs(const state::Store& store, const manifest::LoadResult& loaded) {
  std::vector<WantedJob> jobs;
  for (const auto& entry : loaded.workloads) {
    if (!entry.sample) continue;
    const auto& folder = loaded.sources[entry.source].folder.string();
    WantedJob job;
    job.kind = entry.workload.kind;
    job.key = {entry.workload.metadata.namespace_, entry.workload.metadata.name};
    job.object = entry.object;
    auto* const pod_template = pod::template_of(job.object, job.kind);
    if (auto* const spec = pod_template ? pod_template->find("spec") : nullptr)
      anchor_images_in(*spec, folder);
    set_node_origin(job.object, origin_of(loaded.sources[entry.source]));
    job.plan = plan_job(store, job);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

std::vector<manifest::LoadedPod> job_samples(const manifest::LoadResult& loaded) {
  std::vector<manifest::LoadedPod> samples;
  for (const auto& entry : loaded.workloads) {
    if (!entry.sample) continue;
    samples.push_back(*entry.sample);
    anchor_images(samples.back(), loaded.sources[entry.source].folder.string());
  }
  return samples;
}

std::string plan_text(const WantedJob& job) {
  const std::string text = job.words() + ": ";
  switch (job.plan.kind) {
    case Kind::create:
      return text + "create";
    case Kind::again:
      return text + "run again";
    case Kind::keep:
      return text + "keep";
    case Kind::update:
      return text + "update";
    case Kind::recreate:
      return text + "recreate (" + job.plan.field + " changed)";
    case Kind::store:
      break;
  }
  return text + "keep for run-job";
}

bool changes_anything(const WantedJob& job) {
  return job.plan.kind != Kind::keep && job.plan.kind != Kind::store;
}

void start_job(const state::Store& store, const WantedJob& wanted, const StartOptions& options) {
  const state::JobStore jobs(store.paths());
  if (wanted.plan.kind == Kind::store) {
    auto object = wanted.object;
    set_network(object, lasting_network_words(options));
    (void)jobs.write_cron_job(wanted.key, object);
    return;
  }
  if (wanted.plan.kind == Kind::keep) return spawn_keeper(store, wanted.key);
  const bool told = wanted.plan.kind == Kind::update || wanted.plan.kind == Kind::recreate;
  if (told && !options.quiet) std::cerr << "pausa: " << plan_text(wanted) << std::endl;
  if (wanted.plan.kind == Kind::update) {
    end_keeper(store, wanted.key);
    if (auto job = jobs.read(wanted.key)) {
      job->object = wanted.object;
      jobs.write(*job);
      return spawn_keeper(store, wanted.key);
    }
  }
  (void)remove_job(store, wanted.key, std::nullopt);
  state::Job job;
  job.key = wanted.key;
  job.uid = state::make_uid();
  job.object = wanted.object;
  job.created_ns = now_ns();
  job.backoff_initial_ns = options.backoff.initial.count();
  job.backoff_maximum_ns = options.backoff.maximum.count();
  job.exact_probes = options.exact_probes;
  job.network = lasting_network_words(options);
  jobs.write(job);
  spawn_keeper(store, wanted.key);
}

Progress wait_job(const state::Store& store, const state::PodKey& key,
                  const std::function<Progress(const std::optional<state::Job>&)>& look,
                  const Patience& patience) {
  const state::JobStore jobs(store.paths());
  state::Watch watch(store.paths());
  for (;;) {
    (void)watch.clear();
    watch.add_folder(jobs.folder(key));
    const auto job = jobs.read(key);
    // Of its pods, when it waits for them.
    if (job)
      for (const auto& pod : job->state.active)
        watch.add({key.namespace_, pod::job_pod_name(key.name, pod)});
    auto progress = look(job);
    if (progress.kind != Progress::Kind::on_the_way) return progress;
    int timeout = -1;
    if (patience.deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          *patience.deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) return progress;
      timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 1'000'000'000));
    }
    // What does not exist has no folder to be watched: its coming is looked for.
    constexpr int look_again_ms = 100;
    if (!job && (timeout < 0 || timeout > look_again_ms)) timeout = look_again_ms;
    std::array<pollfd, 2> ready{{{watch.fd(), POLLIN, 0}, {patience.interrupt, POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), timeout);
    if (patience.interrupt >= 0 && (ready[1].revents & POLLIN) != 0) {
      progress.kind = Progress::Kind::interrupted;
      return progress;
    }
  }
}

int await_job_begun(const state::Store& store, const state::PodKey& key, const Patience& patience) {
  const auto progress = wait_job(
      store, key, [&](const auto& job) { return begun(store, job); }, patience);
  switch (progress.kind) {
    case Progress::Kind::reached:
      return exit_ok;
    case Progress::Kind::interrupted:
      return exit_interrupted;
    case Progress::Kind::on_the_way:
      return complain(key, "it has not begun in time: " + progress.missing, exit_timed_out);
    case Progress::Kind::impossible:
      break;
  }
  return complain(key, progress.missing, exit_failed);
}

int await_job_end(const state::Store& store, const state::PodKey& key, const Patience& patience) {
  int code = exit_ok;
  const auto progress = wait_job(
      store, key,
      [&](const std::optional<state::Job>& job) -> Progress {
        if (!job) return {Progress::Kind::impossible, "it was removed"};
        const auto& state = job->state;
        if (!state.finished)
          return {Progress::Kind::on_the_way, std::to_string(state.succeeded) +
                                                  " pods have succeeded, " +
                                                  std::to_string(state.failed) + " have failed"};
        if (state.complete == true) return {Progress::Kind::reached, {}};
        return {Progress::Kind::impossible, state.message + " (" + state.reason + ")" +
                                                (job->failure.empty() ? "" : "; " + job->failure)};
      },
      patience);
  switch (progress.kind) {
    case Progress::Kind::reached:
      return code;
    case Progress::Kind::interrupted:
      return exit_interrupted;
    case Progress::Kind::on_the_way:
      return complain(key, "not complete in time: " + progress.missing, exit_timed_out);
    case Progress::Kind::impossible:
      break;
  }
  return complain(key, progress.missing, exit_failed);
}

pod::Node job_object(const state::Job& job) {
  pod::Node object = job.object;
  auto& metadata = object.set("metadata");
  if (metadata.find("namespace") == nullptr)
    metadata.set("namespace", pod::Node::make_string(job.key.namespace_));
  metadata.set("uid", pod::Node::make_string(job.uid));
  object.set("status", pod::job_status(pod::decode_job(job.object), job.state));
  if (!job.failure.empty()) object.set("pausa").set("failure", pod::Node::make_string(job.failure));
  return object;
}

std::vector<state::PodKey> jobs_of_cron_job(const state::Store& store, const state::PodKey& key) {
  const state::JobStore jobs(store.paths());
  std::vector<std::pair<std::int64_t, state::PodKey>> found;
  const auto owner = pod::workload_words(pod::WorkloadKind::cron_job, key.name);
  for (auto& one : jobs.list()) {
    if (one.namespace_ != key.namespace_) continue;
    const auto job = jobs.read(one);
    if (job && pod::owner_in(pod::to_json(job->object)) == owner)
      found.emplace_back(job->created_ns, std::move(one));
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<state::PodKey> keys;
  for (auto& entry : found) keys.push_back(std::move(entry.second));
  return keys;
}

bool remove_job(const state::Store& store, const state::PodKey& key,
                std::optional<std::chrono::milliseconds> grace) {
  end_keeper(store, key);
  const auto pods =
      pods_owned_by(store, key.namespace_, pod::workload_words(pod::WorkloadKind::job, key.name));
  const bool known = state::JobStore(store.paths()).remove(key);
  // Nobody starts pods any more.
  if (end_pods(store, pods, true, grace, true) != exit_ok)
    throw sys::Error("job " + key.name + ": not all its pods could be removed");
  return known || !pods.empty();
}

}  // namespace pausa::cli
