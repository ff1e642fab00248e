#include "image/document.hpp"

#include "image/reference.hpp"
#include "sys/error.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>

namespace pausa::image {
namespace {

namespace json = boost::json;

constexpr const char* name_key = "org.opencontainers.image.ref.name";
constexpr std::size_t most_config_entries = 10'000;
constexpr std::array<std::string_view, 2> manifest_types{
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::array<std::string_view, 2> config_types{
    "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"};
constexpr std::array<std::string_view, 7> layer_types{
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"};

template <std::size_t N>
bool one_of(std::string_view text, const std::array<std::string_view, N>& known) {
  return std::find(known.begin(), known.end(), text) != known.end();
}

json::object parse_object(std::string_view text, const char* what) {
  boost::system::error_code broken;
  auto value = json::parse(text, broken);  // at most 32 levels deep
  if (broken)
    throw sys::Error(std::string("the image's ") + what + " is no JSON: " + broken.message());
  if (!value.is_object()) throw sys::Error(std::string("the image's ") + what + " is no object");
  return std::move(value.as_object());
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) throw sys::Error("the image's \"" + std::string(key) + "\" is no text");
  return std::string(std::string_view(value->as_string()));
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> texts;
  const auto* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return texts;
  if (!value->is_array() || value->as_array().size() > most_config_entries)
    throw sys::Error("the image's \"" + std::string(key) + "\" is no list of texts");
  for (const auto& item : value->as_array()) {
    if (!item.is_string())
      throw sys::Error("the image's \"" + std::string(key) + "\" is no list of texts");
    texts.emplace_back(std::string_view(item.as_string()));
  }
  return texts;
}

Descriptor descriptor_of(const json::value& value) {
  if (!value.is_object()) throw sys::Error("a descriptor of the image is no object");
  const auto& object = value.as_object();
  Descriptor descriptor;
  descriptor.media_type = text_of(object, "mediaType");
  descriptor.digest = text_of(object, "digest");
  if (!is_digest(descriptor.digest))
    throw sys::Error("a descriptor of the image has the malformed digest \"" +
                     descriptor.digest.substr(0, 200) + "\"");
  const auto* size = object.if_contains("size");
  if (size == nullptr || !size->is_number())
    throw sys::Error("a descriptor of the image has no size");
  boost::system::error_code odd;
  descriptor.size = size->to_number<std::uint64_t>(odd);
  if (odd) throw sys::Error("a descriptor of the image has an impossible size");
  if (const auto* notes = object.if_contains("annotations"); notes != nullptr && notes->is_object())
    descriptor.name = text_of(notes->as_object(), name_key);
  return descriptor;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr || !value->is_array())
    throw sys::Error("the image's \"" + std::string(key) + "\" is no list");
  return value->as_array();
}

void check_environment(const std::vector<std::string>& environment) {
  for (const auto& entry : environment)
    if (const auto equals = entry.find('=');
        equals == 0 || equals == std::string::npos || entry.find('\0') != std::string::npos)
      throw sys::Error("the image's environment holds \"" + entry.substr(0, 100) +
                       "\", which is not NAME=VALUE");
}

}  // namespace

std::vector<Descriptor> parse_index(std::string_view text) {
  std::vector<Descriptor> manifests;
  const auto object = parse_object(text, "index");
  for (const auto& entry : array_of(object, "manifests")) manifests.push_back(descriptor_of(entry));
  return manifests;
}

std::string index_text(const std::vector<Descriptor>& manifests) {
  json::array list;
  for (const auto& manifest : manifests)
    list.push_back({{"mediaType", manifest.media_type},
                    {"digest", manifest.digest},
                    {"size", manifest.size},
                    {"annotations", {{name_key, manifest.name}}}});
  return json::serialize(json::object{{"schemaVersion", 2},
                                      {"mediaType", "application/vnd.oci.image.index.v1+json"},
                                      {"manifests", std::move(list)}}) +
         "\n";
}

std::optional<std::string> index_entry(std::string_view index, std::string_view name) {
  constexpr std::string_view head =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[)";
  constexpr std::string_view begin = R"({"mediaType":)";
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
  });
  if (!plain || !index.starts_with(head)) return std::nullopt;
  const std::string key =
      R"(,"annotations":{")" + std::string(name_key) + R"(":")" + std::string(name) + R"("}})";
  const auto found = index.find(key);
  if (found == std::string_view::npos) return "";
  const auto from = index.rfind(begin, found);
  if (from == std::string_view::npos) return std::nullopt;
  return std::string(head) + std::string(index.substr(from, found - from)) + key + "]}";
}

Manifest parse_manifest(std::string_view text) {
  const auto object = parse_object(text, "manifest");
  if (object.contains("manifests"))
    throw sys::Error("the image's manifest is an index at the same time");
  const auto type = text_of(object, "mediaType");
  if (!type.empty() && !one_of(type, manifest_types))
    throw sys::Error("the image's manifest is of the type \"" + type +
                     "\", which is not supported");
  const auto* version = object.if_contains("schemaVersion");
  if (version == nullptr || *version != 2)
    throw sys::Error("the image's manifest is not of schema version 2");
  Manifest manifest;
  const auto* config = object.if_contains("config");
  if (config == nullptr) throw sys::Error("the image's manifest names no config");
  manifest.config = descriptor_of(*config);
  if (!one_of(manifest.config.media_type, config_types))
    throw sys::Error("the image's config is of the type \"" + manifest.config.media_type +
                     "\": it is no container image");
  for (const auto& entry : array_of(object, "layers")) {
    manifest.layers.push_back(descriptor_of(entry));
    if (!one_of(manifest.layers.back().media_type, layer_types))
      throw sys::Error("a layer of the type \"" + manifest.layers.back().media_type +
                       "\" is not supported");
  }
  if (manifest.layers.size() > most_layers)
    throw sys::Error("the image has " + std::to_string(manifest.layers.size()) +
                     " layers; at most " + std::to_string(most_layers) + " can be");
  return manifest;
}

ConfigDocument parse_config(std::string_view text) {
  const auto object = parse_object(text, "config");
  ConfigDocument document;
  document.architecture = text_of(object, "architecture");
  document.os = text_of(object, "os");
  document.created = text_of(object, "created");
  const auto* rootfs = object.if_contains("rootfs");
  if (rootfs == nullptr || !rootfs->is_object())
    throw sys::Error("the image's config does not tell its layers (rootfs.diff_ids)");
  document.diff_ids = texts_of(rootfs->as_object(), "diff_ids");
  for (const auto& digest : document.diff_ids)
    if (!is_digest(digest))
      throw sys::Error("the image's config has the malformed diff_id \"" + digest.substr(0, 200) +
                       "\"");
  const auto* config = object.if_contains("config");
  if (config == nullptr || !config->is_object()) return document;
  const auto& from = config->as_object();
  document.config.entrypoint = texts_of(from, "Entrypoint");
  document.config.cmd = texts_of(from, "Cmd");
  document.config.env = texts_of(from, "Env");
  check_environment(document.config.env);
  document.config.user = text_of(from, "User");
  document.config.stop_signal = text_of(from, "StopSignal");
  if (auto folder = text_of(from, "WorkingDir"); !folder.empty()) {
    if (!folder.starts_with('/'))
      throw sys::Error("the image's working directory \"" + folder.substr(0, 200) +
                       "\" is not absolute");
    document.config.working_dir = std::move(folder);
  }
  if (const auto* ports = from.if_contains("ExposedPorts"); ports != nullptr && ports->is_object())
    for (const auto& port : ports->as_object()) {
      if (document.exposed_ports.size() == most_config_entries) break;
      document.exposed_ports.emplace_back(std::string_view(port.key()));
    }
  if (const auto* volumes = from.if_contains("Volumes"); volumes != nullptr && volumes->is_object())
    for (const auto& volume : volumes->as_object()) {
      if (document.config.volumes.size() == most_config_entries) break;
      document.config.volumes.emplace_back(std::string_view(volume.key()));
    }
  if (const auto* labels = from.if_contains("Labels"); labels != nullptr && labels->is_object())
    for (const auto& label : labels->as_object())
      if (label.value().is_string() && document.labels.size() < most_config_entries)
        document.labels.emplace_back(std::string_view(label.key()),
                                     std::string_view(label.value().as_string()));
  return document;
}

std::vector<std::string> parse_layer_makers(std::string_view text) {
  constexpr std::size_t most_bytes = 200;
  std::vector<std::string> makers;
  const auto object = parse_object(text, "config");
  const auto* history = object.if_contains("history");
  if (history == nullptr || !history->is_array()) return makers;
  for (const auto& entry : history->as_array()) {
    if (!entry.is_object()) return {};
    const auto* empty = entry.as_object().if_contains("empty_layer");
    if (empty != nullptr && empty->is_bool() && empty->as_bool()) continue;
    makers.push_back(text_of(entry.as_object(), "created_by").substr(0, most_bytes));
  }
  return makers;
}

}  // namespace pausa::image
