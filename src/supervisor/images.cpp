#include "supervisor/images.hpp"

#include "sys/error.hpp"

#include <algorithm>

namespace pausa::supervisor {

std::vector<image::ResolvedImage> resolve_images(const pod::Spec& spec,
                                                 const std::vector<std::string>& known,
                                                 const state::Store& store) {
  const image::Store images(store.paths().root);
  std::vector<image::ResolvedImage> resolved;
  for (std::size_t i = 0; i < pod::container_count(spec); ++i) {
    const std::string before = i < known.size() ? known[i] : "";
    resolved.push_back(image::resolve_again(pod::container_at(spec, i).image, before, images));
  }
  return resolved;
}

std::vector<image::ResolvedImage> look_up_images(const pod::Spec& spec,
                                                 const std::vector<std::string>& known,
                                                 const state::Store& store) {
  const image::Store images(store.paths().root);
  std::vector<image::ResolvedImage> found;
  for (std::size_t i = 0; i < pod::container_count(spec); ++i) {
    auto& image = found.emplace_back();
    image.reference = pod::container_at(spec, i).image;
    image.description = i < known.size() ? known[i] : "";
    try {
      image = image::resolve_again(image.reference, image.description, images);
    } catch (const sys::Error&) {
      continue;  // its container is told when it is to start again
    }
  }
  return found;
}

std::vector<const pod::Volume*> image_volumes_of(const pod::Spec& spec,
                                                 const pod::Container& container) {
  std::vector<const pod::Volume*> volumes;
  for (const auto& volume : spec.volumes) {
    const auto* image = std::get_if<pod::ImageVolume>(&volume.source);
    if (image != nullptr && !image->reference.empty() &&
        std::any_of(container.volume_mounts.begin(), container.volume_mounts.end(),
                    [&volume](const auto& mount) { return mount.name == volume.name; }))
      volumes.push_back(&volume);
  }
  return volumes;
}

std::string known_volume(const std::vector<state::VolumeRecord>& volumes, const std::string& name) {
  for (const auto& volume : volumes)
    if (volume.name == name) return volume.image;
  return {};
}

std::vector<std::string> known_images(const state::Record& record) {
  std::vector<std::string> known;
  for (const auto& container : record.containers) known.push_back(container.image);
  return known;
}

}  // namespace pausa::supervisor
