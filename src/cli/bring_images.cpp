#include "cli/bring_images.hpp"

#include "cli/objects.hpp"
#include "cli/options.hpp"
#include "cli/pod_images.hpp"
#include "cli/pull_secrets.hpp"
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

}  // namespace pausa::cli
