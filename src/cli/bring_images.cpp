#include "cli/bring_images.hpp"

#include "cli/options.hpp"
#include "cli/pod_images.hpp"
#include "image/pull.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"

#include <unistd.h>

#include <iostream>
#include <set>

namespace pausa::cli {
namespace {

PullWhen pull_when(pod::PullPolicy policy, PullWhen asked) {
  if (asked != PullWhen::by_policy) return asked;
  switch (policy) {
    case pod::PullPolicy::always:
      return PullWhen::always;
    case pod::PullPolicy::never:
      return PullWhen::never;
    case pod::PullPolicy::unset:
    case pod::PullPolicy::if_not_present:
      break;
  }
  return PullWhen::missing;
}

void bring_for(const state::Store& store, const std::string& image, PullWhen when, bool quiet,
               std::set<std::string>& brought) {
  const image::Store images(store.paths().root);
  if (const auto fault = image::check_reference(image); !fault.empty())
    throw sys::Error("InvalidImageName: " + image + ": " + fault);
  const bool here = image::is_here(image, images);
  if (here && (when != PullWhen::always || image::is_built_in(image, images))) return;
  if (when == PullWhen::never)
    throw sys::Error("ErrImageNeverPull: image " + image +
                     " is not on this machine, and is not to be pulled");
  const auto origin = image::origin_of(image);
  if (!origin || !brought.insert(origin->name).second) return;
  try {
    (void)bring_image(store, *origin, true, quiet);
  } catch (sys::Error& error) {
    error.prepend("ErrImagePull");
    throw;
  }
}

}  // namespace

PullWhen parse_pull_when(const std::string& word) {
  if (word == "always") return PullWhen::always;
  if (word == "missing") return PullWhen::missing;
  if (word == "never") return PullWhen::never;
  throw UsageError("--pull: \"" + word + "\" is neither always nor missing nor never");
}

image::StoredImage bring_image(const state::Store& store, const image::Origin& origin,
                               bool tls_verify, bool quiet) {
  const image::Library library(store.paths().root);
  image::PullRequest request;
  request.source = origin.source;
  request.name = origin.name;
  request.unpacker = sys::helper_path("pausa-unpack");
  request.verify_tls = tls_verify;
  request.host_root = ::geteuid() == 0;
  if (!quiet) std::cerr << "pausa: pulling " << origin.name << std::endl;
  try {
    // Files of an image belong to many ids.
    supervisor::with_subordinate_ids([&] { image::pull(library, request); });
  } catch (sys::Error& error) {
    error.prepend("image " + origin.name);
    throw;
  }
  auto stored = library.find_name(origin.name);
  if (!stored) throw sys::Error("image " + origin.name + " was removed at once");
  return std::move(*stored);
}

void bring_images(const state::Store& store, const std::vector<manifest::LoadedPod>& pods,
                  PullWhen when, bool quiet) {
  std::set<std::string> brought;
  for (const auto& entry : pods) {
    for (const auto& [image, policy, who] : wanted_images(entry.pod.spec)) {
      try {
        bring_for(store, image, pull_when(policy, when), quiet, brought);
      } catch (sys::Error& error) {
        error.prepend("pod " + entry.pod.metadata.name + ": " + who);
        throw;
      }
    }
  }
}

}  // namespace pausa::cli
