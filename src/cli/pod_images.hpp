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

// As they were found. Whoever has them looked up holds image::Library::keep_all() until a record
// names them.
struct PodImages {
  std::vector<image::ResolvedImage> containers;  // init containers first
  std::vector<state::VolumeRecord> volumes;
};
// Throws sys::Error with the container's or the volume's name.
PodImages resolve_images(const manifest::LoadedPod& loaded, const state::Store& store);
// Those of the volumes alone. known: what they were found to be before.
std::vector<state::VolumeRecord> resolve_volumes(
    const pod::Pod& pod, const state::Store& store,
    const std::vector<state::VolumeRecord>& known = {});

}  // namespace pausa::cli
