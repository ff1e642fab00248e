#include "image/unarchive.hpp"

#include "image/staging.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <algorithm>
#include <deque>

namespace pausa::image {
namespace {

namespace json = boost::json;

constexpr std::string_view transport = "docker-archive:";
constexpr std::size_t most_policy_bytes = std::size_t{1} << 20U;

// Whether images are taken from archives as they are (containers-policy.json(5)).
bool takes_anything(const std::string& policy) {
  const auto text = sys::read_file_at(
      AT_FDCWD, policy.empty() ? "/etc/containers/policy.json" : policy, most_policy_bytes);
  if (!text) return false;
  boost::system::error_code broken;
  const auto value = json::parse(*text, broken);
  if (broken || !value.is_object()) return false;
  const auto& rules = value.as_object();
  static const json::value anything = {{{"type", "insecureAcceptAnything"}}};
  const auto* fallback = rules.if_contains("default");
  const auto* transports = rules.if_contains("transports");
  return fallback != nullptr && *fallback == anything &&
         (transports == nullptr ||
          (transports->is_object() && !transports->as_object().contains("docker-archive")));
}

struct Parts {
  std::string config;
  std::vector<std::string> layers;
};

// What the archive calls its files is also said where nothing confines it.
bool stays_inside(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.find('\0') != std::string_view::npos)
    return false;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

std::optional<Parts> parts_of(const std::string& text) {
  boost::system::error_code broken;
  const auto value = json::parse(text, broken);
  if (broken || !value.is_array() || value.as_array().size() != 1 ||
      !value.as_array()[0].is_object())
    return std::nullopt;
  const auto& image = value.as_array()[0].as_object();
  const auto* config = image.if_contains("Config");
  const auto* layers = image.if_contains("Layers");
  if (config == nullptr || !config->is_string() || layers == nullptr || !layers->is_array() ||
      layers->as_array().size() > most_layers)
    return std::nullopt;
  Parts parts{std::string(std::string_view(config->as_string())), {}};
  for (const auto& layer : layers->as_array()) {
    if (!layer.is_string()) return std::nullopt;
    parts.layers.emplace_back(std::string_view(layer.as_string()));
    if (!stays_inside(parts.layers.back())) return std::nullopt;
  }
  if (!stays_inside(parts.config)) return std::nullopt;
  return parts;
}

sys::Tool begin_digest(const PullRequest& request, int file) {
  sys::ToolRequest tool;
  tool.program = request.unpacker;
  tool.arguments = {"pausa-unpack", "sha256"};
  tool.descriptors = {{file, 0}};
  tool.hear_output = true;
  return sys::Tool(tool);
}

std::string end_digest(sys::Tool& tool) {
  auto result = tool.wait();
  if (result.code != 0 || result.output.empty())
    throw sys::Error("compute a digest: " + result.errors);
  result.output.pop_back();
  return result.output;
}

constexpr const char* plain_layer = "application/vnd.oci.image.layer.v1.tar";

const char* layer_type(int file) {
  unsigned char head[4] = {};
  (void)!::pread(file, head, sizeof head, 0);
  if (head[0] == 0x1f && head[1] == 0x8b) return "application/vnd.oci.image.layer.v1.tar+gzip";
  if (head[0] == 0x28 && head[1] == 0xb5) return "application/vnd.oci.image.layer.v1.tar+zstd";
  return plain_layer;
}

// What is there stays: it has the same contents, or is found to be damaged later on. False: it
// does.
bool keep(const Library& library, const Staging& staging, const std::string& member,
          const std::string& digest) {
  const std::string from = staging.path() + "/" + member;
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, library.blob_path(digest).c_str(),
                  RENAME_NOREPLACE) == 0)
    return true;
  if (::faccessat(AT_FDCWD, library.blob_path(digest).c_str(), F_OK, 0) != 0)
    sys::check(-1, "keep ", digest);
  return false;
}

struct Member {
  std::string path;
  sys::UniqueFd file;
  std::string type;
  std::uint64_t size = 0;
  std::string digest;
};

Member open_member(const Staging& staging, const std::string& path, std::string type) {
  const auto root = sys::open_dir(staging.path());
  Member member{path, sys::try_open_in_root(root.get(), path, O_RDONLY | O_NOFOLLOW),
                std::move(type)};
  struct ::stat info {};
  if (!member.file || ::fstat(member.file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    member.file.reset();
  else
    member.size = static_cast<std::uint64_t>(info.st_size);
  return member;
}

json::object descriptor(const Member& member) {
  return {{"mediaType", member.type}, {"digest", member.digest}, {"size", member.size}};
}

Staging unpack_archive(const Library& library, const PullRequest& request, int archive) {
  Staging staging(library.images_dir());
  const auto folder = sys::open_dir(staging.path());
  sys::ToolRequest tool;
  tool.program = request.unpacker;
  tool.arguments = {"pausa-unpack", "archive"};
  tool.descriptors = {{archive, 0}, {folder.get(), 3}};
  const auto result = sys::Tool(tool).wait();
  if (result.code != 0)
    throw sys::Error("the archive: " + result.errors.substr(0, result.errors.find('\n')));
  return staging;
}

// The config first, then the layers; a digest is computed for each, on all processors.
bool name_blobs(const PullRequest& request, std::vector<Member>& members) {
  std::deque<std::pair<Member*, sys::Tool>> running;
  const auto finish_first = [&] {
    running.front().first->digest = end_digest(running.front().second);
    running.pop_front();
  };
  for (auto& member : members) {
    if (!member.file) return false;
    if (running.size() == 4) finish_first();
    running.emplace_back(&member, begin_digest(request, member.file.get()));
  }
  while (!running.empty()) finish_first();
  return true;
}

void keep_all(const Library& library, const Staging& staging, const std::vector<Member>& members,
              std::set<std::string>& verified) {
  for (const auto& member : members)
    if (keep(library, staging, member.path, member.digest)) verified.insert(member.digest);
}

// Compressed ones are compared when they are unpacked.
void compare_layers(const std::string& config, const std::vector<Member>& members) {
  const auto diff_ids = parse_config(config).diff_ids;
  for (std::size_t i = 1; i < members.size() && i <= diff_ids.size(); ++i)
    if (members[i].type == plain_layer && members[i].digest != diff_ids[i - 1])
      throw sys::Error("layer " + members[i].path + " has the digest " + members[i].digest +
                       ", not " + diff_ids[i - 1]);
}

}  // namespace

bool unarchive(const Library& library, const PullRequest& request, const std::string& layout,
               std::set<std::string>& verified) {
  if (!request.source.starts_with(transport) || !takes_anything(request.policy)) return false;
  const std::string file = request.source.substr(transport.size());
  // With a name behind it, one of several images may be meant.
  const auto archive = sys::try_open_at(AT_FDCWD, file, O_RDONLY);
  if (!archive) return false;
  const auto staging = unpack_archive(library, request, archive.get());
  const auto folder = sys::open_dir(staging.path());
  const auto text = sys::read_file_at(folder.get(), "manifest.json", most_document_bytes);
  const auto parts = text ? parts_of(*text) : std::nullopt;
  if (!parts) return false;
  std::vector<Member> members;
  members.push_back(
      open_member(staging, parts->config, "application/vnd.oci.image.config.v1+json"));
  for (const auto& layer : parts->layers) {
    auto member = open_member(staging, layer, "");
    if (member.file) member.type = layer_type(member.file.get());
    members.push_back(std::move(member));
  }
  if (!name_blobs(request, members)) return false;
  compare_layers(sys::read_file_at(folder.get(), parts->config, most_document_bytes).value_or(""),
                 members);
  keep_all(library, staging, members, verified);
  json::array layers;
  for (std::size_t i = 1; i < members.size(); ++i) layers.push_back(descriptor(members[i]));
  const auto manifest =
      json::serialize(json::object{{"schemaVersion", 2},
                                   {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                                   {"config", descriptor(members.front())},
                                   {"layers", std::move(layers)}});
  constexpr const char* made = ".manifest";
  sys::create_file_at(folder.get(), made, manifest, 0600);
  std::vector<Member> own;
  own.push_back(open_member(staging, made, "application/vnd.oci.image.manifest.v1+json"));
  if (!name_blobs(request, own)) return false;
  keep_all(library, staging, own, verified);
  Descriptor image;
  image.media_type = own.front().type;
  image.digest = own.front().digest;
  image.size = own.front().size;
  sys::create_file_at(AT_FDCWD, layout + "/index.json", index_text({image}), 0600);
  return true;
}

}  // namespace pausa::image
