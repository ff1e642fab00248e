// The supervisor's part that takes a changed manifest over while the pod runs.
#include "pod/changes.hpp"
#include "supervisor/images.hpp"
#include "supervisor/limits.hpp"
#include "supervisor/stored_pod.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <algorithm>

namespace pausa::supervisor {
namespace {

using Limit = std::optional<std::int64_t>;

// What lets the old members and the new ones be. In a group that has no such limit none is set yet.
Limit wider(const Limit& now, const Limit& wanted) {
  if (!now) return std::nullopt;
  return wanted ? std::max(*now, *wanted) : cgroup::no_limit;
}

cgroup::Limits wider(const cgroup::Limits& now, const cgroup::Limits& wanted) {
  cgroup::Limits both;
  both.memory_bytes = wider(now.memory_bytes, wanted.memory_bytes);
  both.cpu_milli = wider(now.cpu_milli, wanted.cpu_milli);
  return both;
}

// What goes on running keeps the image that it runs on, whatever its name means by now; the others
// get the one that `up` has found.
std::vector<std::string> images_after(const pod::Spec& spec,
                                      const std::vector<std::string>& restart,
                                      const std::vector<std::string>& found,
                                      const state::Record& record) {
  auto images = found;
  images.resize(pod::container_count(spec));
  for (std::size_t i = 0; i < images.size() && i < record.containers.size(); ++i) {
    const auto& name = pod::container_at(spec, i).name;
    if (std::find(restart.begin(), restart.end(), name) == restart.end())
      images[i] = record.containers[i].image;
  }
  return images;
}

}  // namespace

// The limits of these containers, and of the pod. Below what is in use the kernel would kill, so
// that is refused before anything is changed.
void Supervisor::resize(const pod::Spec& wanted, const std::vector<std::string>& names) {
  if (!pod_group_) return;
  struct Change {
    std::size_t container;
    cgroup::Limits before, after;
  };
  std::vector<Change> fresh;
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const auto& name = record_.containers[i].name;
    if (std::find(names.begin(), names.end(), name) == names.end() || !containers_[i].group)
      continue;
    const auto limits = keepable(host_.cgroups, container_limits(pod::container_at(wanted, i)));
    const auto used = containers_[i].group->stats().memory_working_bytes;
    if (limits.memory_bytes && used && *used > *limits.memory_bytes)
      throw sys::Error("container " + name + " uses " + std::to_string(*used) +
                       " bytes of memory, more than its new limit; restart it instead");
    const auto before =
        keepable(host_.cgroups, container_limits(pod::container_at(charge_.pod.spec, i)));
    fresh.push_back({i, before, limits});
  }
  const auto now = keepable(host_.cgroups, pod_limits(charge_.pod.spec));
  const auto then = keepable(host_.cgroups, pod_limits(wanted));
  std::size_t begun = 0;
  try {
    pod_group_->update(wider(now, then));
    while (begun < fresh.size()) {
      const auto& change = fresh[begun++];
      containers_[change.container].group->update(change.after);
    }
    pod_group_ = host_.cgroups.create(record_.cgroup, then);
  } catch (const sys::Error&) {
    // All or nothing; what cannot be put back is no news.
    const auto put_back = [](cgroup::Group& group, const cgroup::Limits& limits) {
      try {
        group.update(limits);
      } catch (const sys::Error&) {
        return;
      }
    };
    while (begun-- > 0) put_back(*containers_[fresh[begun].container].group, fresh[begun].before);
    put_back(*pod_group_, now);
    throw;
  }
  for (const auto& change : fresh)
    events_.add(false, "ResizeCompleted", record_.containers[change.container].name,
                "the container has its new resources");
}

// Answered when the changed containers run again. Until the staged manifest takes the place of the
// old one, a supervisor that is killed leaves the pod to be updated once more.
void Supervisor::update(const std::vector<std::string>& found,
                        const ControlServer::Answer& answer) {
  const auto& key = record_.key;
  auto staged = read_staged_pod(charge_.store, key);
  const auto changes = pod::compare(read_stored_pod(charge_.store, key).object, staged.object);
  if (!changes.recreate.empty())
    throw sys::Error(changes.recreate + " cannot be changed in a living pod");
  const auto wanted = staged.pod.spec;
  add_ephemeral(staged, record_);
  auto images =
      resolve_images(staged.pod.spec,
                     images_after(staged.pod.spec, changes.restart, found, record_), charge_.store);
  ports_.listen(wanted, charge_.store);
  try {
    resize(wanted, changes.resize);  // the last step that can fail
  } catch (const sys::Error&) {
    ports_.drop_others(charge_.pod.spec);
    throw;
  }
  charge_.images = std::move(images);
  charge_.pod = std::move(staged.pod);
  adopt_spec();
  ports_.drop_others(charge_.pod.spec);
  if (sandbox_) publish_ports();

  auto waiting = std::make_shared<std::vector<std::size_t>>();
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const auto& name = record_.containers[i].name;
    record_.containers[i].image = charge_.images[i].description;
    const bool changed =
        std::find(changes.restart.begin(), changes.restart.end(), name) != changes.restart.end();
    if (changed && !record_.containers[i].init) waiting->push_back(i);
  }
  const auto grace = std::chrono::nanoseconds(charge_.pod.spec.termination_grace_period);
  feed(pod::event::Resume{});  // the checks that were under way for the old spec
  for (const auto i : std::vector<std::size_t>(*waiting)) {
    // One by one: a container that runs and is not asked to start again counts as answered.
    restart_answers_.emplace_back(i, [answer, waiting, i](const control::Reply& reply) {
      if (waiting->empty()) return;
      std::erase(*waiting, i);
      if (!reply.ok) waiting->clear();
      if (waiting->empty()) answer(reply);
    });
    feed(pod::event::Restart{i, grace, wall_now()});
  }
  save();
  charge_.store.commit_staged(key);
  (void)refresh();  // labels may stand in files; what goes wrong there is an event
  if (changes.restart.empty()) answer({});
}

}  // namespace pausa::supervisor
