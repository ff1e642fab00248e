#include "image/archive.hpp"

#include "image/staging.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <memory>
#include <optional>

namespace pausa::image {
namespace {

namespace json = boost::json;

sys::Tool::Result ask_skopeo(const std::string& verb, const std::string& source) {
  const std::string skopeo = sys::find_tool("skopeo");
  if (skopeo.empty()) {
    sys::Error error("skopeo is not installed, which reads archives");
    error.advise("install it: apt-get install skopeo");
    throw error;
  }
  sys::ToolRequest request;
  request.program = skopeo;
  request.arguments = {"skopeo", verb, source};
  request.environment = {"PATH=/usr/bin:/bin", "HOME=/"};
  request.hear_output = true;
  return sys::Tool(request).wait();
}

// Its manifest.json. (skopeo 1.9 fails with compressed ones, and would unpack them whole.)
std::optional<std::string> docker_manifest(const std::string& path, const std::string& unpacker) {
  const auto file = sys::open_at(AT_FDCWD, path, O_RDONLY);
  unsigned char head[4] = {};
  if (::pread(file.get(), head, sizeof head, 0) != sizeof head ||
      !((head[0] == 0x1f && head[1] == 0x8b) || (head[0] == 0x28 && head[1] == 0xb5)))
    return std::nullopt;
  sys::ToolRequest request;
  request.program = unpacker;
  request.arguments = {"pausa-unpack", "member", "manifest.json"};
  request.descriptors = {{file.get(), 0}};
  request.hear_output = true;
  auto result = sys::Tool(request).wait();
  if (result.code != 0) return std::nullopt;
  return std::move(result.output);
}

// The one name of the one image.
std::string name_in(const std::string& manifest) {
  boost::system::error_code broken;
  const auto told = boost::json::parse(manifest, broken);
  if (broken || !told.is_array() || told.as_array().size() != 1 || !told.as_array()[0].is_object())
    return {};
  const auto* tags = told.as_array()[0].as_object().if_contains("RepoTags");
  const bool one = tags != nullptr && tags->is_array() && tags->as_array().size() == 1 &&
                   tags->as_array()[0].is_string();
  return one ? std::string(std::string_view(tags->as_array()[0].as_string())) : "";
}

// What the images of an index are called: by those who keep whole names, or as they can be asked
// for.
constexpr const char* whole_name_key = "io.containerd.image.name";
constexpr const char* name_key = "org.opencontainers.image.ref.name";

std::string note_of(const json::value& entry, const char* key) {
  const auto* notes = entry.is_object() ? entry.as_object().if_contains("annotations") : nullptr;
  const auto* note =
      notes != nullptr && notes->is_object() ? notes->as_object().if_contains(key) : nullptr;
  return note != nullptr && note->is_string() ? std::string(std::string_view(note->as_string()))
                                              : "";
}

bool is_whole_name(const std::string& name) {
  const auto parsed = parse_reference(name);
  const auto* reference = std::get_if<Reference>(&parsed);
  return reference != nullptr && !reference->registry.empty();
}

std::vector<Archive> images_of_oci(const std::string& path) {
  sys::ToolRequest request;
  request.program = sys::find_tool("tar");
  if (request.program.empty()) throw sys::Error("tar is not installed");
  // Whoever has made it, it has one of these names.
  request.arguments = {"tar", "-xOf", path, "index.json", "./index.json"};
  request.environment = {"PATH=/usr/bin:/bin"};
  request.hear_output = true;
  const auto text = sys::Tool(request).wait().output;
  boost::system::error_code broken;
  const auto index = json::parse(text, broken);
  const auto* list =
      broken || !index.is_object() ? nullptr : index.as_object().if_contains("manifests");
  std::vector<Archive> images;
  const std::string source = "oci-archive:" + path;
  if (list == nullptr || !list->is_array()) return {{source, ""}};
  for (const auto& entry : list->as_array()) {
    const auto name = note_of(entry, name_key);
    auto whole = note_of(entry, whole_name_key);
    if (whole.empty() && is_whole_name(name)) whole = name;
    images.push_back({name.empty() ? source : source + ":" + name, std::move(whole)});
  }
  if (images.empty()) throw sys::Error(path + " is an archive without images");
  return images;
}

sys::Tool::Result run(const char* name, std::vector<std::string> arguments, int output) {
  sys::ToolRequest request;
  request.program = sys::find_tool(name);
  if (request.program.empty()) throw sys::Error(std::string(name) + " is not installed");
  request.arguments = std::move(arguments);
  request.arguments.insert(request.arguments.begin(), name);
  request.environment = {"PATH=/usr/bin:/bin", "HOME=/", "LC_ALL=C"};
  if (output >= 0) request.descriptors = {{output, 1}};
  auto result = sys::Tool(request).wait();
  if (result.code != 0) throw sys::Error(std::string(name) + ": " + result.errors);
  return result;
}

void link_blob(const Library& library, const std::string& digest, const std::string& layout) {
  const auto path = library.blob_path(digest);
  const auto algorithm = digest.substr(0, digest.find(':'));
  (void)sys::make_dirs_at(AT_FDCWD, layout + "/blobs/" + algorithm, 0755);
  const auto target = layout + "/blobs/" + algorithm + path.substr(path.rfind('/'));
  if (::link(path.c_str(), target.c_str()) < 0 && errno != EEXIST) sys::check(-1, "link ", path);
}

// An OCI layout of these images alone, by links to the library's files.
void make_layout(const Library& library, const std::vector<StoredImage>& images,
                 const std::string& layout) {
  json::array list;
  for (const auto& image : images) {
    link_blob(library, image.manifest.digest, layout);
    const auto manifest = library.manifest(image);
    link_blob(library, manifest.config.digest, layout);
    for (const auto& layer : manifest.layers) link_blob(library, layer.digest, layout);
    const auto number = "image-" + std::to_string(list.size());
    list.push_back({{"mediaType", image.manifest.media_type},
                    {"digest", image.manifest.digest},
                    {"size", image.manifest.size},
                    {"annotations",
                     {{name_key, is_whole_name(image.name) ? image.name : number},
                      {whole_name_key, image.name}}}});
  }
  const auto folder = sys::open_dir(layout);
  sys::create_file_at(folder.get(), "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}\n", 0644);
  sys::create_file_at(
      folder.get(), "index.json",
      json::serialize(json::object{{"schemaVersion", 2},
                                   {"mediaType", "application/vnd.oci.image.index.v1+json"},
                                   {"manifests", std::move(list)}}) +
          "\n",
      0644);
}

std::string name_in_layout(const StoredImage& image) {
  return is_whole_name(image.name) ? image.name : "image-0";
}

}  // namespace

std::vector<Archive> look_into(const std::string& path, const std::string& unpacker) {
  const std::unique_ptr<char, decltype(&::free)> whole(::realpath(path.c_str(), nullptr), &::free);
  if (!whole) throw sys::Error(errno, "open " + path);
  const std::string docker = std::string("docker-archive:") + whole.get();
  if (const auto manifest = docker_manifest(whole.get(), unpacker))
    return {{docker, name_in(*manifest)}};
  // The tags of docker save.
  if (const auto tags = ask_skopeo("list-tags", docker); tags.code == 0) {
    boost::system::error_code broken;
    const auto told = json::parse(tags.output, broken);
    const auto* list = broken || !told.is_object() ? nullptr : told.as_object().if_contains("Tags");
    std::vector<Archive> images;
    if (list != nullptr && list->is_array())
      for (const auto& tag : list->as_array())
        if (tag.is_string()) {
          const std::string name{std::string_view(tag.as_string())};
          images.push_back({docker + ":" + name, name});
        }
    if (images.empty()) images.push_back({docker, ""});
    if (images.size() == 1) images.front().source = docker;
    return images;
  }
  auto images = images_of_oci(whole.get());
  if (ask_skopeo("inspect", images.front().source).code == 0) return images;
  throw sys::Error(path + " is neither an archive of docker save nor one of an OCI image");
}

void save(const Library& library, const std::vector<StoredImage>& images, const std::string& path,
          bool docker_archive) {
  const auto kept = library.keep_all();
  const Staging layout(library.images_dir());
  make_layout(library, images, layout.path());
  const std::string staged = path + "." + staging_name();
  try {
    if (docker_archive) {
      const auto& image = images.front();
      (void)run("skopeo",
                {"copy", "--quiet", "oci:" + layout.path() + ":" + name_in_layout(image),
                 "docker-archive:" + staged +
                     (is_whole_name(image.name) && image.name.find('@') == std::string::npos
                          ? ":" + image.name
                          : "")},
                -1);
    } else {
      sys::UniqueFd file;
      if (path != "-") file = sys::open_at(AT_FDCWD, staged, O_WRONLY | O_CREAT | O_EXCL, 0666);
      (void)run("tar",
                {"--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
                 "--mode=u=rwX,go=rX", "--hard-dereference", "-C", layout.path(), "-cf", "-",
                 "oci-layout", "index.json", "blobs"},
                file ? file.get() : STDOUT_FILENO);
      if (!file) return;
    }
    sys::check(::rename(staged.c_str(), path.c_str()), "name ", path);
  } catch (...) {
    (void)::unlink(staged.c_str());
    throw;
  }
}

}  // namespace pausa::image
