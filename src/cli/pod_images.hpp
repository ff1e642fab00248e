// The images that a pod needs: those that its containers run on, and those that are its volumes.
#pragma once

#include "image/image.hpp"
#include "manifest/load.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"
#include "state/record.hpp"
#include "state/store.hpp"

#include <string>
#include <vector>

namespace pausa::cli {

struct WantedImage {
  std::string image;
  pod::PullPolicy policy = pod::PullPolicy::unset;
  std::string who;  // "container web", "volume data"
};
// The containers' first, in the order of pod::container_at().
std::vector<WantedImage> wanted_images(const pod::Spec& spec);

// Images that name files (dir:, oci:, oci-archive:, docker-archive:) are relative to the
// manifest's folder: made absolute, in the object, too.
void anchor_images(manifest::LoadedPod& loaded, const std::string& folder);
// The same in the object of a spec alone.
void anchor_images_in(pod::Node& spec, const std::string& folder);

// The images of the containers, init containers first. Throws sys::Error with the container's name;
// also when one of a volume cannot be had.
std::vector<image::ResolvedImage> resolve_images(const manifest::LoadedPod& loaded,
                                                 const state::Store& store);
// Those of the volumes.
std::vector<state::VolumeRecord> resolve_volumes(const pod::Pod& pod, const state::Store& store);

}  // namespace pausa::cli
