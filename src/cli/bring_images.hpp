// Brings the images of manifests to this machine before anything is made of them.
#pragma once

#include "image/library.hpp"
#include "manifest/load.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::cli {

// --pull; by_policy: as each container's imagePullPolicy says, where it says nothing as `missing`.
enum class PullWhen : std::uint8_t { by_policy, always, missing, never };
// Throws UsageError for another word.
PullWhen parse_pull_when(const std::string& word);

// One image, whatever is here already. With tls_verify false a registry may have no certificate.
// Throws sys::Error.
image::StoredImage bring_image(const state::Store& store, const image::Origin& origin,
                               bool tls_verify, bool quiet);

// All of the manifests. Throws sys::Error that begins with Kubernetes' reason (ErrImagePull,
// ErrImageNeverPull, InvalidImageName) behind the container's name.
void bring_images(const state::Store& store, const std::vector<manifest::LoadedPod>& pods,
                  PullWhen when, bool quiet);

}  // namespace pausa::cli
