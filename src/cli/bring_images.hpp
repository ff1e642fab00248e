// Brings the images of manifests to this machine before anything is made of them.
#pragma once

#include "cli/image_pulls.hpp"
#include "image/library.hpp"
#include "manifest/load.hpp"
#include "pod/lifecycle.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::cli {

// --pull; by_policy: as each imagePullPolicy says, where it says nothing as `missing`. newer: as
// always, but what is here will do when nothing can be fetched.
enum class PullWhen : std::uint8_t { by_policy, always, missing, newer, never };
// Throws UsageError for another word.
PullWhen parse_pull_when(const std::string& word);

// These, whatever is here already. Throws sys::Error.
std::vector<image::StoredImage> bring_origins(const state::Store& store,
                                              const std::vector<PullJob>& jobs, PullProgress style);

// All of the manifest's pods and of `more`, with the logins of their imagePullSecrets (of the
// manifest, or stored). Throws sys::Error that begins with Kubernetes' reason (ErrImagePull,
// ErrImageNeverPull, InvalidImageName) behind the pod's and the container's name.
void bring_images(const state::Store& store, const manifest::LoadResult& loaded,
                  const std::vector<manifest::LoadedPod>& more, PullWhen when, PullProgress style);

// Of a stored pod: what its containers run on or mount (as its record knows it) and is gone is
// brought, as each imagePullPolicy says. `container`: that one alone; empty: all.
struct MissingImage {
  std::string container;
  std::string reason;  // ErrImagePull, ErrImageNeverPull, InvalidImageName
  std::string message;
};
// Those that cannot be had. host_root: false for a caller inside the user namespace of its pods.
std::vector<MissingImage> bring_again(const state::Store& store, const state::PodKey& key,
                                      const std::string& container, PullProgress style,
                                      bool host_root = ::geteuid() == 0);

// Brings the image of a container that is added to a pod. Throws sys::Error, as above.
void bring_image(const state::Store& store, const pod::Pod& pod, const pod::Container& container,
                 PullProgress style);

}  // namespace pausa::cli
