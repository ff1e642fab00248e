#include "cli/bring_images.hpp"

#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/pod_images.hpp"
#include "cli/pull_secrets.hpp"
#include "supervisor/images.hpp"
#include "supervisor/stored_pod.hpp"
#include "sys/error.hpp"

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

bool is_latest(const std::string& image) {
  const auto parsed = image::parse_reference(image);
  const auto* reference = std::get_if<image::Reference>(&parsed);
  return reference != nullptr && reference->digest.empty() &&
         (reference->tag.empty() || reference->tag == "latest");
}

// What is to be pulled, each once, and who asked for it.
class Wishes {
 public:
  Wishes(const state::Store& store, const manifest::LoadResult& loaded, bool quiet)
      : images_(store.paths().root), known_(loaded, store.paths(), leaving_), quiet_(quiet) {}

  void add(const manifest::LoadedPod& entry, const WantedImage& wanted, PullWhen asked) {
    const auto& image = wanted.image;
    if (const auto fault = image::check_reference(image); !fault.empty())
      throw sys::Error("InvalidImageName: " + image + ": " + fault);
    const auto when = pull_when(wanted.policy, asked);
    const bool here = image::is_here(image, images_);
    const bool again = when == PullWhen::always || when == PullWhen::newer;
    if (here && (!again || image::is_built_in(image, images_))) {
      if (when == PullWhen::missing && asked == PullWhen::by_policy &&
          wanted.policy == pod::PullPolicy::unset)
        note_local(image);
      return;
    }
    if (when == PullWhen::never)
      throw sys::Error("ErrImageNeverPull: image " + image +
                       " is not on this machine, and is not to be pulled");
    auto origin = image::origin_of(image);
    if (!origin || !names_.insert(origin->name).second) return;
    PullJob job;
    job.origin = std::move(*origin);
    job.may_fail = here && when == PullWhen::newer;
    job.logins = logins(entry, job.origin.name);
    jobs.push_back(std::move(job));
    who.push_back("pod " + entry.pod.metadata.name + ": " + wanted.who);
  }

  // One that cannot be resolved, though it may be named here. Empty: it is to be pulled, under
  // that name.
  MissingImage add_missing(const manifest::LoadedPod& entry, const WantedImage& wanted,
                           std::string& name) {
    const auto& image = wanted.image;
    if (const auto fault = image::check_reference(image); !fault.empty())
      return {"", "InvalidImageName",
              "Failed to apply default image tag \"" + image + "\": " + fault};
    if (wanted.policy == pod::PullPolicy::never)
      return {"", pod::never_pull_error,
              "Container image \"" + image + "\" is not present with pull policy of Never"};
    try {
      auto origin = image::origin_of(image);
      if (!origin) return {"", pod::pull_error, image + " is not there, and cannot be pulled"};
      name = origin->name;
      if (!names_.insert(name).second) return {};
      PullJob job;
      job.origin = std::move(*origin);
      job.may_fail = true;
      job.logins = logins(entry, name);
      jobs.push_back(std::move(job));
      return {};
    } catch (const sys::Error& error) {
      return {"", pod::pull_error, error.what()};
    }
  }

  std::vector<PullJob> jobs;
  std::vector<std::string> who;

 private:
  void note_local(const std::string& image) {
    if (quiet_ || !is_latest(image) || image::is_built_in(image, images_) ||
        !noted_.insert(image).second)
      return;
    std::cerr << "pausa: note: image " << image
              << " is taken from this machine; a cluster would pull it, since imagePullPolicy is "
                 "unset and the tag is latest\n";
  }

  std::vector<std::string> logins(const manifest::LoadedPod& entry, const std::string& name) {
    const auto parsed = image::parse_reference(name);
    const auto* reference = std::get_if<image::Reference>(&parsed);
    if (reference == nullptr) return {};
    std::vector<pod::Object> secrets;
    for (const auto& secret : entry.pod.spec.image_pull_secrets) {
      auto object = known_.find(pod::ObjectKind::secret, entry.pod.metadata.namespace_, secret);
      if (object)
        secrets.push_back(std::move(*object));
      else if (!quiet_ && noted_.insert(secret).second)
        std::cerr << "pausa: pod " << entry.pod.metadata.name
                  << ": FailedToRetrieveImagePullSecret: there is no secret " << secret << "\n";
    }
    return logins_for(*reference, secrets);
  }

  image::Store images_;
  std::vector<pod::Object> leaving_;  // nothing
  KnownObjects known_;
  bool quiet_;
  std::set<std::string> names_;
  std::set<std::string> noted_;
};

}  // namespace

PullWhen parse_pull_when(const std::string& word) {
  if (word == "always") return PullWhen::always;
  if (word == "missing") return PullWhen::missing;
  if (word == "newer") return PullWhen::newer;
  if (word == "never") return PullWhen::never;
  throw UsageError("--pull: \"" + word + "\" is neither always nor missing nor newer nor never");
}

std::vector<image::StoredImage> bring_origins(const state::Store& store,
                                              const std::vector<PullJob>& jobs,
                                              PullProgress style) {
  for (const auto& failure : run_pulls(store, jobs, style))
    if (!failure.empty()) throw sys::Error(failure);
  const image::Library library(store.paths().root);
  std::vector<image::StoredImage> images;
  for (const auto& job : jobs) {
    auto stored = library.find_name(job.origin.name);
    if (!stored) throw sys::Error("image " + job.origin.name + " was removed at once");
    images.push_back(std::move(*stored));
  }
  return images;
}

void bring_images(const state::Store& store, const manifest::LoadResult& loaded,
                  const std::vector<manifest::LoadedPod>& more, PullWhen when, PullProgress style) {
  const bool quiet = style == PullProgress::none;
  Wishes wishes(store, loaded, quiet);
  for (const auto* pods : {&loaded.pods, &more})
    for (const auto& entry : *pods)
      for (const auto& wanted : wanted_images(entry.pod.spec)) {
        try {
          wishes.add(entry, wanted, when);
        } catch (sys::Error& error) {
          error.prepend("pod " + entry.pod.metadata.name + ": " + wanted.who);
          throw;
        }
      }
  if (wishes.jobs.empty()) return;
  const auto failures = run_pulls(store, wishes.jobs, style);
  for (std::size_t i = 0; i < failures.size(); ++i) {
    if (failures[i].empty()) continue;
    if (!wishes.jobs[i].may_fail)
      throw sys::Error(wishes.who[i] + ": ErrImagePull: " + failures[i]);
    if (!quiet)
      std::cerr << "pausa: " << failures[i] << "; what is on this machine is used instead\n";
  }
}

std::vector<MissingImage> bring_again(const state::Store& store, const state::PodKey& key,
                                      const std::string& container, PullProgress style,
                                      bool host_root) {
  auto stored = supervisor::find_stored_pod(store, key);
  if (!stored) return {};
  manifest::LoadedPod entry;
  entry.pod = std::move(stored->pod);
  const auto record = store.read(key);
  const auto known = record ? supervisor::known_images(*record) : std::vector<std::string>();
  const image::Store images(store.paths().root);
  const manifest::LoadResult nothing;
  Wishes wishes(store, nothing, style == PullProgress::none);
  const auto wanted = wanted_images(entry.pod.spec);
  std::vector<MissingImage> missing;
  std::vector<std::string> names;
  const auto look = [&](const std::string& who, const WantedImage& image,
                        const std::string& before) {
    try {
      (void)image::resolve_again(image.image, before, images);
    } catch (const sys::Error&) {
      missing.push_back(wishes.add_missing(entry, image, names.emplace_back()));
      missing.back().container = who;
    }
  };
  for (std::size_t i = 0; i < pod::container_count(entry.pod.spec); ++i) {
    const auto& spec = pod::container_at(entry.pod.spec, i);
    if (!container.empty() && spec.name != container) continue;
    look(spec.name, wanted[i], i < known.size() ? known[i] : "");
    for (const auto* volume : supervisor::image_volumes_of(entry.pod.spec, spec)) {
      const auto& image = std::get<pod::ImageVolume>(volume->source);
      look(spec.name, {image.reference, image.pull_policy, "volume " + volume->name},
           record ? supervisor::known_volume(record->volumes, volume->name) : "");
    }
  }
  for (auto& job : wishes.jobs) job.host_root = host_root;
  const auto failures = run_pulls(store, wishes.jobs, style);
  for (std::size_t i = missing.size(); i-- > 0;) {
    if (!missing[i].reason.empty()) continue;
    std::size_t job = 0;
    while (wishes.jobs[job].origin.name != names[i]) ++job;
    if (failures[job].empty()) {
      missing.erase(missing.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    missing[i].reason = pod::pull_error;
    missing[i].message = failures[job];
  }
  return missing;
}

void bring_image(const state::Store& store, const pod::Pod& pod, const pod::Container& container,
                 PullProgress style) {
  manifest::LoadedPod entry;
  entry.pod = pod;
  const manifest::LoadResult nothing;
  Wishes wishes(store, nothing, style == PullProgress::none);
  wishes.add(entry, {container.image, container.image_pull_policy, container.name},
             PullWhen::by_policy);
  for (const auto& failure : run_pulls(store, wishes.jobs, style))
    if (!failure.empty()) throw sys::Error("ErrImagePull: " + failure);
}

}  // namespace pausa::cli
