#include "cli/image_lock.hpp"

#include "cli/objects.hpp"
#include "cli/pod_images.hpp"
#include "cli/pull_secrets.hpp"
#include "cli/variables.hpp"
#include "image/image.hpp"
#include "image/library.hpp"
#include "image/pull.hpp"
#include "image/reference.hpp"
#include "manifest/render.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <unistd.h>

#include <iostream>
#include <set>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr std::size_t most_lock_bytes = std::size_t{1} << 20U;

// Empty: the manifest came through a pipe.
std::string lock_path(const manifest::Source& source) {
  const auto slash = source.name.rfind('/');
  const auto name = slash == std::string::npos ? source.name : source.name.substr(slash + 1);
  return source.name == "-" || source.name.starts_with("/dev/")
             ? ""
             : source.folder.string() + "/" + name + ".lock";
}

// Whether its name may mean another image tomorrow.
bool can_be_locked(const std::string& image) {
  if (image == "host:" || image.starts_with("dir:") || image::is_archive(image)) return false;
  const auto parsed = image::parse_reference(image);
  const auto* reference = std::get_if<image::Reference>(&parsed);
  return reference != nullptr && reference->digest.empty();
}

template <typename Visit>
void each_image(Node& spec, Visit visit) {
  const auto look = [&](Node* object, const char* field) {
    auto* image = object == nullptr ? nullptr : object->find(field);
    if (image != nullptr && image->is_string() && can_be_locked(image->text)) visit(image->text);
  };
  for (const char* field : {"initContainers", "containers"})
    if (auto* list = spec.find(field))
      for (auto& container : list->items) look(&container, "image");
  if (auto* volumes = spec.find("volumes"))
    for (auto& volume : volumes->items) look(volume.find("image"), "reference");
}

// Of a pod, or of what makes pods.
template <typename Visit>
void each_image_of_object(Node& object, Visit visit) {
  auto* spec = object.find("spec");
  for (; spec != nullptr; spec = spec->find("spec")) {
    if (spec->find("containers") != nullptr) return each_image(*spec, visit);
    auto* below = spec->find("jobTemplate");
    if (below == nullptr) below = spec->find("template");
    if (below == nullptr) return;
    spec = below;
  }
}

template <typename Visit>
void each_image_of_pod(manifest::LoadedPod& loaded, Visit visit) {
  auto& spec = loaded.pod.spec;
  for (auto* list : {&spec.init_containers, &spec.containers})
    for (auto& container : *list)
      if (can_be_locked(container.image)) visit(container.image);
  for (auto& volume : spec.volumes)
    if (auto* image = std::get_if<pod::ImageVolume>(&volume.source);
        image != nullptr && can_be_locked(image->reference))
      visit(image->reference);
  if (auto* object = loaded.object.find("spec")) each_image(*object, visit);
}

template <typename Visit>
void each_image_of_source(manifest::LoadResult& loaded, std::size_t source, Visit visit) {
  for (auto& entry : loaded.pods)
    if (entry.source == source) each_image_of_pod(entry, visit);
  for (auto& entry : loaded.workloads) {
    if (entry.source != source) continue;
    each_image_of_object(entry.object, visit);
    if (entry.sample) each_image_of_pod(*entry.sample, visit);
  }
}

std::optional<ImageDigests> read_lock(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const auto text = sys::read_file_at(AT_FDCWD, path, most_lock_bytes);
  if (!text) return std::nullopt;
  try {
    return parse_image_lock(*text);
  } catch (sys::Error& error) {
    error.prepend(path);
    error.advise("pausa image lock writes it anew");
    throw;
  }
}

// Empty: it is the busybox of this machine. What was made here is here; of all else the registry
// knows what the name means, whatever became of its documents in our layout.
std::string digest_now(const state::Store& store, const std::string& image, bool verify_tls,
                       const std::vector<pod::Object>& secrets) {
  if (image::is_built_in(image, image::Store(store.paths().root))) return {};
  const image::Library library(store.paths().root);
  auto reference = std::get<image::Reference>(image::parse_reference(image));
  if (reference.registry == "localhost" || reference.registry.empty())
    if (const auto stored = library.find(reference);
        stored && stored->name.starts_with("localhost/"))
      return stored->manifest.digest;
  const auto origin = image::origin_of(image);
  if (!origin) return {};
  image::PullRequest request;
  request.source = origin->source;
  request.name = origin->name;
  request.verify_tls = verify_tls;
  auto logins =
      logins_for(std::get<image::Reference>(image::parse_reference(origin->name)), secrets);
  logins.emplace_back();  // the machine's own
  for (auto& login : logins) {
    request.login = std::move(login);
    try {
      return image::remote_digest(request);
    } catch (sys::Error& error) {
      if (&login != &logins.back()) continue;
      error.prepend("image " + image);
      throw;
    }
  }
  return {};
}

// The Secrets of all imagePullSecrets of the manifests, each once, in their order.
std::vector<pod::Object> pull_secrets(const state::Store& store,
                                      const manifest::LoadResult& loaded) {
  const std::vector<pod::Object> nothing_leaves;
  const KnownObjects known(loaded, store.paths(), nothing_leaves);
  std::set<std::pair<std::string, std::string>> seen;
  std::vector<pod::Object> secrets;
  const auto add = [&](const pod::Pod& pod) {
    for (const auto& name : pod.spec.image_pull_secrets) {
      if (!seen.emplace(pod.metadata.namespace_, name).second) continue;
      if (auto secret = known.find(pod::ObjectKind::secret, pod.metadata.namespace_, name))
        secrets.push_back(std::move(*secret));
    }
  };
  for (const auto& entry : loaded.pods) add(entry.pod);
  for (const auto& entry : loaded.workloads)
    if (entry.sample) add(entry.sample->pod);
  return secrets;
}

int compare(const std::string& path, const ImageDigests& now) {
  const auto written = read_lock(path);
  if (!written) {
    std::cout << path << ": missing" << std::endl;
    return exit_failed;
  }
  bool stale = false;
  const auto tell = [&](const std::string& image, const char* what) {
    std::cout << path << ": " << image << ": " << what << std::endl;
    stale = true;
  };
  for (const auto& [image, digest] : now) {
    const auto found = written->find(image);
    if (found == written->end())
      tell(image, "not there");
    else if (found->second != digest)
      tell(image, ("now " + digest).c_str());
  }
  for (const auto& [image, digest] : *written)
    if (!now.contains(image)) tell(image, "not in the manifest");
  return stale ? exit_failed : exit_ok;
}

}  // namespace

ImageDigests parse_image_lock(std::string_view text) {
  ImageDigests digests;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto fail = [&](const std::string& why) {
      throw sys::Error("line " + std::to_string(number) + ": " + why);
    };
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) fail("it is not of the form NAME DIGEST");
    const std::string name(line.substr(0, blank));
    const std::string digest(line.substr(blank + 1));
    if (!can_be_locked(name)) fail("\"" + name + "\" is no image that can be locked");
    if (!image::is_digest(digest)) fail("\"" + digest + "\" is no digest");
    if (!digests.emplace(name, digest).second) fail("\"" + name + "\" stands there twice");
  }
  return digests;
}

std::string image_lock_text(const std::string& name, const ImageDigests& digests) {
  std::string text = "# What the images of " + name + " are: pausa image lock has written it.\n";
  for (const auto& [image, digest] : digests) text += image + " " + digest + "\n";
  return text;
}

void pin_images(const state::Store& store, manifest::LoadResult& loaded, bool quiet) {
  const image::Store images(store.paths().root);
  for (std::size_t i = 0; i < loaded.sources.size(); ++i) {
    const auto path = lock_path(loaded.sources[i]);
    const auto digests = read_lock(path);
    if (!digests) continue;
    std::set<std::string> pinned;
    std::set<std::string> unknown;
    each_image_of_source(loaded, i, [&](std::string& image) {
      const auto found = digests->find(image);
      (found == digests->end() ? unknown : pinned).insert(image);
      if (found != digests->end()) image += "@" + found->second;
    });
    if (quiet) continue;
    const std::string file = path.substr(path.rfind('/') + 1);
    if (!pinned.empty())
      std::cerr << "pausa: " << file << ": " << pinned.size()
                << (pinned.size() == 1 ? " image" : " images") << " as locked" << std::endl;
    for (const auto& image : unknown)
      if (!image::is_built_in(image, images))
        std::cerr << "pausa: " << file << " does not know " << image
                  << "; pausa image lock writes it anew" << std::endl;
  }
}

int lock_images(const state::Store& store, const std::vector<std::string>& files,
                const Options& options) {
  const auto given = variables_from(options);
  auto loaded = manifest::load_paths(files, {}, given.get());
  if (pod::has_errors(loaded.diagnostics)) {
    std::cerr << manifest::render_all(loaded.diagnostics, loaded.sources, false, "");
    return exit_manifest;
  }
  require_used(options, loaded.variables);
  const bool verify = options.get("tls-verify").value_or("true") != "false";
  const auto secrets = pull_secrets(store, loaded);
  int code = exit_ok;
  ImageDigests known;  // each is asked for once
  for (std::size_t i = 0; i < loaded.sources.size(); ++i) {
    const auto path = lock_path(loaded.sources[i]);
    if (path.empty())
      throw UsageError("image lock: " + loaded.sources[i].name +
                       " has no place for a lock beside it");
    ImageDigests digests;
    each_image_of_source(loaded, i, [&](const std::string& image) {
      auto found = known.find(image);
      if (found == known.end())
        found = known.emplace(image, digest_now(store, image, verify, secrets)).first;
      if (!found->second.empty()) digests.insert(*found);
    });
    if (options.has("check")) {
      if (const int its = compare(path, digests); its != exit_ok) code = its;
      continue;
    }
    const auto slash = path.rfind('/');
    const auto folder = sys::open_dir(path.substr(0, slash));
    const std::string name = path.substr(slash + 1);
    sys::replace_file_at(folder.get(), name,
                         image_lock_text(name.substr(0, name.size() - 5), digests), 0644);
    std::cout << path << std::endl;
  }
  return code;
}

}  // namespace pausa::cli
