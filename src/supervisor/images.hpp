// What a pod's containers run on.
#pragma once

#include "image/image.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::supervisor {

// In the order of pod::container_at(). known: what their images were found to be before
// (ResolvedImage::description), in that order; where it is empty, or there is none, the name
// decides. Throws sys::Error when one is not there.
std::vector<image::ResolvedImage> resolve_images(const pod::Spec& spec,
                                                 const std::vector<std::string>& known,
                                                 const state::Store& store);
// The same for a pod that runs on: of one that is gone only the name and the description are there.
std::vector<image::ResolvedImage> look_up_images(const pod::Spec& spec,
                                                 const std::vector<std::string>& known,
                                                 const state::Store& store);
// The volumes of an image that a container mounts.
std::vector<const pod::Volume*> image_volumes_of(const pod::Spec& spec,
                                                 const pod::Container& container);
// As the record knows it; empty: it does not.
std::string known_volume(const std::vector<state::VolumeRecord>& volumes, const std::string& name);
// As the record knows them.
std::vector<std::string> known_images(const state::Record& record);

}  // namespace pausa::supervisor
