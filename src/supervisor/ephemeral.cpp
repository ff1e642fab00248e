// The supervisor's part that adds containers to a pod that runs.
#include "image/library.hpp"
#include "manifest/reader.hpp"
#include "pod/decode.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <algorithm>

namespace pausa::supervisor {
namespace {

// Their indexes are part of names and numbers, and each has its place in infra's tables for as long
// as the pod lives.
constexpr std::size_t most_ephemeral = 32;

}  // namespace

// Answered when it has been started.
void Supervisor::add_container(const std::string& object, ControlServer::Answer answer) {
  auto read = manifest::read({{"container.json", object, "/"}});
  if (read.documents.size() != 1 || !read.documents.front().root.is_map())
    throw sys::Error("the container is damaged");
  auto& state = record_.state;
  if (state.stopping || !sandbox_) throw sys::Error("the pod is being stopped");
  if (state.containers.size() - pod::first_ephemeral(state) >= most_ephemeral)
    throw sys::Error("the pod has " + std::to_string(most_ephemeral) +
                     " containers for debugging; restart it to get rid of them");
  auto spec = pod::decode_ephemeral(read.documents.front().root);
  if (std::any_of(record_.containers.begin(), record_.containers.end(),
                  [&](const auto& entry) { return entry.name == spec.name; }))
    throw sys::Error("there is a container " + spec.name + " in pod " + record_.key.name);
  // `debug` holds one, so nobody prunes.
  const auto kept = image::Library(charge_.store.paths().root).try_keep_all();
  if (!kept) throw sys::Error("images are being pruned; try again when that is done");
  auto image = image::resolve(spec.image, image::Store(charge_.store.paths().root));

  state::ContainerRecord entry;
  entry.name = spec.name;
  entry.image = image.description;
  entry.ephemeral = object;
  pod::ContainerState fresh;
  fresh.ephemeral = true;
  fresh.waiting_reason = "ContainerCreating";
  charge_.pod.spec.ephemeral_containers.push_back(std::move(spec));
  charge_.images.push_back(std::move(image));
  record_.containers.push_back(std::move(entry));
  state.containers.push_back(std::move(fresh));
  containers_.emplace_back();
  point_at_spec();
  restart_answers_.emplace_back(containers_.size() - 1, std::move(answer));
  feed(pod::event::Added{wall_now()});
}

// -1: it sees the pod's processes, or its own.
int Supervisor::target_of(const pod::Container& container) const {
  if (container.target.empty()) return -1;
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    if (record_.containers[i].name != container.target) continue;
    if (!containers_[i].pidfd)
      throw sys::Error("container " + container.target +
                       ", whose processes it is to see, does not run");
    return record_.containers[i].own_pid_namespace ? containers_[i].pidfd.get() : -1;
  }
  throw sys::Error("there is no container " + container.target);
}

}  // namespace pausa::supervisor
