#include "supervisor/images.hpp"

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

std::vector<std::string> known_images(const state::Record& record) {
  std::vector<std::string> known;
  for (const auto& container : record.containers) known.push_back(container.image);
  return known;
}

}  // namespace pausa::supervisor
