#include "cli/image_files.hpp"

#include "cli/bring_images.hpp"
#include "cli/image_lock.hpp"
#include "cli/jobs.hpp"
#include "cli/pod_images.hpp"
#include "cli/variables.hpp"
#include "image/archive.hpp"
#include "image/make.hpp"
#include "manifest/load.hpp"
#include "manifest/render.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace pausa::cli {
namespace {

using image::Library;

void tell(const image::StoredImage& image) {
  std::cout << image.name << "@" << image.manifest.digest << std::endl;
}

void bring_and_tell(const state::Store& store, const std::string& source, const std::string& name,
                    const Options& options) {
  for (const auto& image :
       bring_origins(store, {{{source, name}, {}, true, false}}, pull_progress(options)))
    tell(image);
}

image::ImageConfig config_from(const Options& options) {
  image::ImageConfig config;
  config.entrypoint = options.all("entrypoint");
  config.cmd = options.all("cmd");
  config.env = options.all("env");
  config.user = options.get("user").value_or("");
  config.working_dir = options.get("workdir").value_or("/");
  if (!config.working_dir.starts_with('/'))
    throw UsageError("--workdir: \"" + config.working_dir + "\" is not absolute");
  for (const auto& entry : config.env)
    if (entry.find('=') == std::string::npos || entry.starts_with('='))
      throw UsageError("--env: \"" + entry + "\" is not NAME=VALUE");
  return config;
}

bool is_of_library(const std::string& image) {
  return image != "host:" && !image.starts_with("dir:");
}

// All that the manifests need, in their order. nullopt: they are invalid, which has been told.
std::optional<std::vector<image::StoredImage>> images_of_manifests(
    const state::Store& store, const std::vector<std::string>& files, const Options& options) {
  const auto given = variables_from(options);
  auto loaded = manifest::load_paths(files, {}, given.get());
  if (pod::has_errors(loaded.diagnostics)) {
    std::cerr << manifest::render_all(loaded.diagnostics, loaded.sources,
                                      ::isatty(STDERR_FILENO) == 1, "nothing was saved");
    return std::nullopt;
  }
  require_used(options, loaded.variables);
  pin_images(store, loaded, options.has("quiet"));
  for (auto& entry : loaded.pods)
    anchor_images(entry, loaded.sources[entry.source].folder.string());
  auto pods = std::move(loaded.pods);
  for (auto& sample : job_samples(loaded)) pods.push_back(std::move(sample));
  const image::Store local(store.paths().root);
  const Library library(store.paths().root);
  std::vector<image::StoredImage> images;
  for (const auto& entry : pods)
    for (const auto& wanted : wanted_images(entry.pod.spec)) {
      if (!is_of_library(wanted.image) || image::is_built_in(wanted.image, local)) continue;
      auto image = find_image(library, wanted.image);
      const bool have = std::any_of(images.begin(), images.end(),
                                    [&](const auto& other) { return other.name == image.name; });
      if (!have) images.push_back(std::move(image));
    }
  return images;
}

}  // namespace

image::StoredImage find_image(const Library& library, const std::string& word) {
  if (auto image = library.find_name(word)) return std::move(*image);
  auto parsed = image::parse_reference(word);
  const auto* reference = std::get_if<image::Reference>(&parsed);
  auto image = reference != nullptr ? library.find(*reference) : std::nullopt;
  if (!image)
    throw NoSuchObject("no image " + word + " on this machine; pausa image pull brings it");
  return std::move(*image);
}

std::string image_name(const std::string& word) {
  auto parsed = image::parse_reference(word);
  if (const auto* fault = std::get_if<std::string>(&parsed))
    throw UsageError("image name \"" + word + "\": " + *fault);
  auto& reference = std::get<image::Reference>(parsed);
  // A digest follows from what is there; a name may not claim another.
  reference.digest.clear();
  // Made here, so it is nobody's registry's.
  if (reference.registry.empty()) reference.registry = "localhost";
  return reference.full();
}

int load_image(const state::Store& store, const std::vector<std::string>& words,
               const Options& options) {
  const auto images = image::look_into(words[0], sys::helper_path("pausa-unpack"));
  if (words.size() > 1 && images.size() > 1)
    throw UsageError("image load: " + words[0] + " has " + std::to_string(images.size()) +
                     " images, which keep their own names");
  for (const auto& [source, own] : images) {
    // One that was saved here may be called after where it came from.
    const std::string name = words.size() > 1         ? image_name(words[1])
                             : image::is_archive(own) ? own
                             : own.empty()            ? ""
                                                      : image_name(own);
    if (name.empty())
      throw UsageError("image load: " + words[0] + " does not tell its name: image load FILE NAME");
    bring_and_tell(store, source, name, options);
  }
  return exit_ok;
}

int save_images(const state::Store& store, const std::vector<std::string>& words,
                const Options& options) {
  const Library library(store.paths().root);
  const auto format = options.get("format").value_or("oci-archive");
  const bool docker = format == "docker-archive";
  if (!docker && format != "oci-archive")
    throw UsageError("--format: \"" + format + "\" is neither oci-archive nor docker-archive");
  const auto path = options.get("output").value_or("-");
  if (path == "-" && ::isatty(STDOUT_FILENO) == 1)
    throw UsageError("image save: an archive is not for a terminal; say -o FILE");
  if (path == "-" && docker) throw UsageError("image save: --format docker-archive needs -o FILE");
  std::vector<image::StoredImage> images;
  if (options.has("all")) {
    auto all = images_of_manifests(store, words, options);
    if (!all) return exit_manifest;
    images = std::move(*all);
  } else {
    for (const auto& word : words) images.push_back(find_image(library, word));
  }
  if (images.empty())
    throw sys::Error("there is nothing to save: no image of the library is named");
  if (docker && images.size() > 1)
    throw UsageError("image save: a docker-archive takes one image, an oci-archive any number");
  image::save(library, images, path, docker);
  if (!options.has("quiet"))
    for (const auto& image : images) std::cerr << "pausa: saved " << image.name << "\n";
  return exit_ok;
}

int import_image(const state::Store& store, const std::vector<std::string>& words,
                 const Options& options) {
  const auto name = image_name(words[1]);
  const auto config = config_from(options);
  const auto tar = words[0] == "-" ? sys::UniqueFd(sys::check(::dup(STDIN_FILENO), "read stdin"))
                                   : sys::open_at(AT_FDCWD, words[0], O_RDONLY);
  const auto made = image::layout_of_tar(Library(store.paths().root), tar.get(), config);
  bring_and_tell(store, made.source(), name, options);
  return exit_ok;
}

int build_image(const state::Store& store, const std::vector<std::string>& words,
                const Options& options) {
  const auto name = image_name(words[1]);
  const auto config = config_from(options);
  const auto made = image::layout_of_folder(Library(store.paths().root), words[0], config);
  bring_and_tell(store, made.source(), name, options);
  return exit_ok;
}

}  // namespace pausa::cli
