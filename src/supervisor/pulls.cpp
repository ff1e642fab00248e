// The supervisor's part that has an image brought again which is gone when a container is to start:
// by a program of its own, which reads the stored pod and does what `up` would.
#include "image/library.hpp"
#include "supervisor/images.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {

// What it runs on, and what it mounts.
bool Supervisor::has_images(std::size_t index) {
  auto& container = containers_[index];
  container.lacks = has_image(index) ? lacking_volume(index) : container.spec->image;
  return container.lacks.empty();
}

const std::string& Supervisor::image_to_bring(std::size_t index) const {
  const auto& container = containers_[index];
  return container.lacks.empty() ? container.spec->image : container.lacks;
}

// The image of a volume that is gone; empty: none.
std::string Supervisor::lacking_volume(std::size_t index) {
  const auto& root = charge_.store.paths().root;
  for (const auto* volume : image_volumes_of(charge_.pod.spec, *containers_[index].spec)) {
    const auto& reference = std::get<pod::ImageVolume>(volume->source).reference;
    try {
      const auto kept = image::Library(root).try_keep_all();
      if (!kept) return reference;
      const auto before = known_volume(record_.volumes, volume->name);
      const auto now = image::resolve_again(reference, before, image::Store(root)).description;
      if (now == before) continue;
      for (auto& known : record_.volumes)
        if (known.name == volume->name) known.image = now;
      save();  // before somebody prunes it
    } catch (const sys::Error&) {
      return reference;
    }
  }
  return {};
}

bool Supervisor::has_image(std::size_t index) {
  auto& image = charge_.images[index];
  const auto is_there = [](const std::string& layer) { return ::access(layer.c_str(), F_OK) == 0; };
  if (!image.layers.empty() && std::all_of(image.layers.begin(), image.layers.end(), is_there))
    return true;
  const auto& root = charge_.store.paths().root;
  try {
    const auto kept = image::Library(root).try_keep_all();
    if (!kept) return false;  // what brings it waits until nobody prunes
    auto& known = record_.containers[index].image;
    image = image::resolve_again(containers_[index].spec->image, known, image::Store(root));
    if (known != image.description) {
      known = image.description;
      save();  // before somebody prunes it
    }
    return true;
  } catch (const sys::Error&) {
    return false;
  }
}

void Supervisor::begin_pull(std::size_t index) {
  auto& container = containers_[index];
  sys::ToolRequest request;
  request.program = "/proc/self/fd/3";
  request.arguments = {"pausa",          "bring-image",        record_.key.namespace_,
                       record_.key.name, container.spec->name, host_.root ? "root" : "user"};
  request.descriptors = {{host_.program_fd.get(), 3}};
  // In a user namespace it would look for root's folders.
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (const std::string_view text = *variable; !text.starts_with("PAUSA_ROOT=") &&
                                                 !text.starts_with("PAUSA_RUNROOT=") &&
                                                 !text.starts_with("PAUSA_PROGRAM="))
      request.environment.emplace_back(text);
  request.environment.push_back("PAUSA_ROOT=" + charge_.store.paths().root);
  request.environment.push_back("PAUSA_RUNROOT=" + charge_.store.paths().run_root);
  request.environment.push_back("PAUSA_PROGRAM=0 " + host_.program);
  if (container.config_fault.empty())
    events_.add(false, "Pulling", container.spec->name,
                "Pulling image \"" + image_to_bring(index) + "\"");
  sys::Tool tool(request);
  sys::UniqueFd pidfd(
      static_cast<int>(sys::check(::syscall(SYS_pidfd_open, tool.pid(), 0), "watch a pull")));
  auto watch = std::make_unique<FdWatch>(io_, pidfd.get());
  watch->wait([this, index] { end_pull(index); });
  container.pull =
      std::make_unique<Pull>(Pull{std::move(tool), std::move(pidfd), std::move(watch)});
}

// It says REASON MESSAGE when the image cannot be had.
void Supervisor::end_pull(std::size_t index) {
  const auto pull = std::move(containers_[index].pull);
  const auto result = pull->tool.wait();
  if (record_.state.containers[index].ending != pod::ContainerState::Ending::no) {
    feed(pod::event::StartFailed{index, "Killed", "stopped before it ran", 143, wall_now()});
    return;
  }
  const std::string brought = image_to_bring(index);
  if (result.code == 0 && has_images(index)) {
    events_.add(false, "Pulled", containers_[index].spec->name,
                "Successfully pulled image \"" + brought + "\"");
    start_containers({index});
    return;
  }
  const std::string never = std::string(pod::never_pull_error) + " ";
  std::string words = result.errors.substr(0, result.errors.find('\n'));
  const bool is_never = words.starts_with(never);
  if (const auto blank = words.find(' '); blank != std::string::npos) words.erase(0, blank + 1);
  if (words.empty())
    words = result.code == 0
                ? "it was brought, but is not here: removed again, or images are being pruned"
                : "what pulled it has ended without a word";
  hold_start(index, is_never ? pod::never_pull_error : pod::pull_error, words);
}

}  // namespace pausa::supervisor
