#include "cli/pod_images.hpp"

#include "supervisor/images.hpp"
#include "sys/error.hpp"

#include <string_view>

namespace pausa::cli {
namespace {

void anchor(std::string& image, const std::string& folder) {
  for (const std::string_view scheme : {"dir:", "oci:", "oci-archive:", "docker-archive:"})
    if (image.starts_with(scheme) && image.size() > scheme.size() && image[scheme.size()] != '/')
      image.insert(scheme.size(), folder + "/");
}

void anchor_field(pod::Node* object, const char* field, const std::string& folder) {
  auto* image = object == nullptr ? nullptr : object->find(field);
  if (image != nullptr && image->is_string()) anchor(image->text, folder);
}

}  // namespace

std::vector<WantedImage> wanted_images(const pod::Spec& spec) {
  std::vector<WantedImage> wanted;
  for (std::size_t i = 0; i < pod::container_count(spec); ++i) {
    const auto& container = pod::container_at(spec, i);
    wanted.push_back({container.image, container.image_pull_policy, "container " + container.name});
  }
  for (const auto& volume : spec.volumes)
    if (const auto* image = std::get_if<pod::ImageVolume>(&volume.source);
        image != nullptr && !image->reference.empty())
      wanted.push_back({image->reference, image->pull_policy, "volume " + volume.name});
  return wanted;
}

void anchor_images_in(pod::Node& spec, const std::string& folder) {
  for (const char* field : {"initContainers", "containers"})
    if (auto* list = spec.find(field))
      for (auto& container : list->items) anchor_field(&container, "image", folder);
  if (auto* volumes = spec.find("volumes"))
    for (auto& volume : volumes->items) anchor_field(volume.find("image"), "reference", folder);
}

void anchor_images(manifest::LoadedPod& loaded, const std::string& folder) {
  auto& spec = loaded.pod.spec;
  for (auto* list : {&spec.init_containers, &spec.containers})
    for (auto& container : *list) anchor(container.image, folder);
  for (auto& volume : spec.volumes)
    if (auto* image = std::get_if<pod::ImageVolume>(&volume.source))
      anchor(image->reference, folder);
  if (auto* object = loaded.object.find("spec")) anchor_images_in(*object, folder);
}

PodImages resolve_images(const manifest::LoadedPod& loaded, const state::Store& store) {
  const image::Store images(store.paths().root);
  PodImages resolved;
  for (std::size_t i = 0; i < pod::container_count(loaded.pod.spec); ++i) {
    const auto& container = pod::container_at(loaded.pod.spec, i);
    try {
      resolved.containers.push_back(image::resolve(container.image, images));
    } catch (sys::Error& error) {
      error.prepend("pod " + loaded.pod.metadata.name + ": container " + container.name);
      throw;
    }
  }
  resolved.volumes = resolve_volumes(loaded.pod, store);
  return resolved;
}

std::vector<state::VolumeRecord> resolve_volumes(const pod::Pod& pod, const state::Store& store,
                                                 const std::vector<state::VolumeRecord>& known) {
  const image::Store images(store.paths().root);
  std::vector<state::VolumeRecord> volumes;
  for (const auto& volume : pod.spec.volumes) {
    const auto* image = std::get_if<pod::ImageVolume>(&volume.source);
    if (image == nullptr || image->reference.empty()) continue;
    try {
      const auto before = supervisor::known_volume(known, volume.name);
      volumes.push_back(
          {volume.name, image::resolve_again(image->reference, before, images).description});
    } catch (sys::Error& error) {
      // Of a pod that was up it is brought by whoever mounts it, if somebody does.
      if (const auto before = supervisor::known_volume(known, volume.name); !before.empty()) {
        volumes.push_back({volume.name, before});
        continue;
      }
      error.prepend("pod " + pod.metadata.name + ": volume " + volume.name);
      throw;
    }
  }
  return volumes;
}

}  // namespace pausa::cli
