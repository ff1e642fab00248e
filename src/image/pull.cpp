#include "image/pull.hpp"

#include "image/staging.hpp"
#include "image/unarchive.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>

namespace pausa::image {
namespace {

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

// skopeo itself waits for a silent registry for ever.
int most_idle_seconds() {
  constexpr int usual = 60;
  const char* asked = std::getenv("PAUSA_PULL_IDLE");
  const int seconds = asked != nullptr ? std::atoi(asked) : 0;
  return seconds > 0 ? std::min(seconds, 86'400) : usual;
}

// The last line: skopeo's own word is behind a timestamp and a level.
std::string last_words(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  text.erase(0, text.rfind('\n') + 1);
  constexpr std::string_view key = "msg=\"";
  if (const auto at = text.find(key); at != std::string::npos) {
    text.erase(0, at + key.size());
    if (text.ends_with('"')) text.pop_back();
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] != '\\' || i + 1 == text.size() || text[i + 1] != '"') plain += text[i];
    text = plain;
  }
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

// skopeo with what every call of it has. `login` lives as long as the call.
sys::ToolRequest skopeo(const PullRequest& request, std::vector<std::string> arguments,
                        const char* no_tls, sys::UniqueFd& login) {
  sys::ToolRequest tool;
  tool.program = sys::find_tool("skopeo");
  if (tool.program.empty()) {
    sys::Error error("skopeo is not installed, which brings images in");
    error.advise("install it: apt-get install skopeo");
    throw error;
  }
  tool.arguments = {"skopeo"};
  if (!request.policy.empty())
    tool.arguments.insert(tool.arguments.end(), {"--policy", request.policy});
  tool.arguments.insert(tool.arguments.end(), std::make_move_iterator(arguments.begin()),
                        std::make_move_iterator(arguments.end()));
  if (!request.verify_tls) tool.arguments.emplace_back(no_tls);
  // In memory: it never lies on a disk, and is gone with skopeo.
  if (!request.login.empty()) {
    login = sys::UniqueFd(sys::check(::memfd_create("login", MFD_CLOEXEC), "make a login file"));
    sys::check(::fchmod(login.get(), 0600), "protect a login file");
    if (::write(login.get(), request.login.data(), request.login.size()) !=
        static_cast<ssize_t>(request.login.size()))
      throw sys::Error("a login file cannot be written");
    tool.arguments.insert(tool.arguments.end(), {"--authfile", "/proc/self/fd/3"});
    tool.descriptors = {{login.get(), 3}};
  }
  tool.environment = own_environment();
  return tool;
}

std::string run_skopeo(const sys::ToolRequest& tool) {
  auto result = sys::Tool(tool).wait(most_idle_seconds());
  if (result.code == 0) return std::move(result.output);
  const auto words = last_words(result.errors);
  throw sys::Error(words.empty() ? "skopeo ended with exit code " + std::to_string(result.code)
                                 : words);
}

// Returns the digests that need not be computed once more.
std::set<std::string> fetch(const Library& library, const PullRequest& request,
                            const std::string& layout) {
  std::set<std::string> verified;
  if (unarchive(library, request, layout, verified)) return verified;
  sys::UniqueFd login;
  auto tool = skopeo(request,
                     {"copy", "--quiet", "--dest-oci-accept-uncompressed-layers",
                      "--dest-shared-blob-dir", library.blobs_dir()},
                     "--src-tls-verify=false", login);
  tool.arguments.insert(tool.arguments.end(), {request.source, "oci:" + layout + ":image"});
  (void)run_skopeo(tool);
  return {};
}

// A blob of ours that is not what its digest says. skopeo takes what is there for good.
struct DamagedBlob : sys::Error {
  DamagedBlob(std::string blob_digest, const std::string& words)
      : sys::Error(words), digest(std::move(blob_digest)) {}
  std::string digest;
};

void require_digest(const Library& library, const PullRequest& request, const Descriptor& document,
                    const std::string& what) {
  const auto blob =
      sys::open_at(AT_FDCWD, library.blob_path(document.digest), O_RDONLY | O_NOFOLLOW);
  sys::ToolRequest tool;
  tool.program = request.unpacker;
  tool.arguments = {"pausa-unpack", document.digest};
  tool.descriptors = {{blob.get(), 0}};
  const auto result = sys::Tool(tool).wait();
  if (result.code != 0)
    throw DamagedBlob(document.digest, "the image's " + what + ": " + last_words(result.errors));
}

struct Unpacking {
  Descriptor blob;
  std::string layer;  // the name that it is to have
  Staging staging;
  sys::Tool tool;
};

Unpacking begin_unpacking(const Library& library, const PullRequest& request,
                          const Descriptor& layer, const std::string& diff_id, bool verified) {
  const auto blob = sys::open_at(AT_FDCWD, library.blob_path(layer.digest), O_RDONLY | O_NOFOLLOW);
  struct ::stat info {};
  sys::check(::fstat(blob.get(), &info), "stat a layer");
  if (static_cast<std::uint64_t>(info.st_size) != layer.size) {
    // It may be the descriptor that is wrong, and the blob another image's.
    require_digest(library, request, layer, "layer " + layer.digest);
    throw sys::Error("layer " + layer.digest + " has " + std::to_string(info.st_size) +
                     " bytes, its descriptor says " + std::to_string(layer.size));
  }
  const auto path = library.layer_path(diff_id);
  Staging staging(library.layers_dir());
  const auto folder = sys::open_dir(staging.path());
  sys::ToolRequest tool;
  tool.program = request.unpacker;
  tool.arguments = {"pausa-unpack", verified ? "" : layer.digest, diff_id};
  tool.descriptors = {{blob.get(), 0}, {folder.get(), 3}};
  tool.hear_output = true;
  return {layer, path.substr(path.rfind('/') + 1), std::move(staging), sys::Tool(tool)};
}

void finish_unpacking(const Library& library, const PullRequest& request, Unpacking& unpacking) {
  const auto result = unpacking.tool.wait();
  if (result.code != 0) {
    require_digest(library, request, unpacking.blob, "layer " + unpacking.blob.digest);
    auto words = last_words(result.errors);
    if (words.empty()) words = "the unpacker ended with exit code " + std::to_string(result.code);
    throw sys::Error("unpack " + unpacking.layer + ": " + words);
  }
  // Overlays read the first one (which takes CAP_SYS_ADMIN on the host), with "userxattr" the
  // other.
  const char* const mark = request.host_root ? "trusted.overlay.opaque" : "user.overlay.opaque";
  const auto root = sys::open_dir(unpacking.staging.path());
  const std::string& list = result.output;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = std::min(list.find('\0', at), list.size());
    const std::string path = end == at ? "." : list.substr(at, end - at);
    // A link on its path leads to where the mark was meant; what was replaced later is gone.
    const auto folder = sys::try_open_in_root(root.get(), path, O_RDONLY | O_DIRECTORY);
    at = end + 1;
    if (!folder) continue;
    if (::fsetxattr(folder.get(), mark, "y", 1, 0) == 0) continue;
    sys::Error error(errno,
                     "unpack " + unpacking.layer + ": make " + path + " opaque (" + mark + ")");
    if (errno == EOPNOTSUPP)
      error.advise("the data directory must lie on a file system with extended attributes");
    throw error;
  }
}

void unpack_layers(const Library& library, const PullRequest& request, const Manifest& manifest,
                   const std::vector<std::string>& diff_ids,
                   const std::set<std::string>& verified) {
  const auto most = static_cast<std::size_t>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  std::deque<Unpacking> running;
  std::vector<Unpacking> done;
  std::set<std::string> begun;
  const auto finish_first = [&] {
    finish_unpacking(library, request, running.front());
    done.push_back(std::move(running.front()));
    running.pop_front();
    if (request.unpacking) request.unpacking(done.size(), diff_ids.size());
  };
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    if (!begun.insert(diff_ids[i]).second) continue;
    if (::faccessat(AT_FDCWD, library.layer_path(diff_ids[i]).c_str(), F_OK, 0) == 0) continue;
    if (running.size() == most) finish_first();
    running.push_back(begin_unpacking(library, request, manifest.layers[i], diff_ids[i],
                                      verified.contains(manifest.layers[i].digest)));
  }
  while (!running.empty()) finish_first();
  if (done.empty()) return;
  // A name means complete, also after a power cut: what the layers hold goes to the disk first.
  const auto layers = sys::open_dir(library.layers_dir());
  sys::check(::syncfs(layers.get()), "write the layers to the disk");
  for (auto& unpacking : done) unpacking.staging.become(unpacking.layer);
  sys::check(::fsync(layers.get()), "write the layers' names to the disk");
}

void write_to_disk(const std::string& path, int flags) {
  const auto fd = sys::open_at(AT_FDCWD, path, O_RDONLY | flags);
  sys::check(::fsync(fd.get()), "write ", path, " to the disk");
}

// Also what was there before: whoever brought it may have been killed in front of this.
void keep_blobs(const Library& library, const StoredImage& image, const Manifest& manifest) {
  std::set<std::string> paths{library.blob_path(image.manifest.digest),
                              library.blob_path(manifest.config.digest)};
  for (const auto& layer : manifest.layers) paths.insert(library.blob_path(layer.digest));
  std::set<std::string> folders;
  for (const auto& path : paths) {
    write_to_disk(path, O_NOFOLLOW);
    folders.insert(path.substr(0, path.rfind('/')));
  }
  for (const auto& folder : folders) write_to_disk(folder, O_DIRECTORY);
}

StoredImage bring(const Library& library, const PullRequest& request) {
  const Staging layout(library.images_dir());
  if (request.fetching) request.fetching(layout.path());
  const auto verified = fetch(library, request, layout.path());
  const auto index =
      sys::read_file_at(AT_FDCWD, layout.path() + "/index.json", most_document_bytes);
  if (!index) throw sys::Error("skopeo brought no image");
  const auto manifests = parse_index(*index);
  if (manifests.size() != 1)
    throw sys::Error("skopeo brought " + std::to_string(manifests.size()) + " images");
  StoredImage image{request.name, manifests.front()};
  require_digest(library, request, image.manifest, "manifest");
  const auto manifest = library.manifest(image);
  require_digest(library, request, manifest.config, "config");
  unpack_layers(library, request, manifest, library.config(manifest).diff_ids, verified);
  keep_blobs(library, image, manifest);
  library.add(image);
  return image;
}

}  // namespace

std::string remote_digest(const PullRequest& request) {
  sys::UniqueFd login;
  auto tool = skopeo(request, {"inspect", "--no-tags", "--format", "{{.Digest}}"},
                     "--tls-verify=false", login);
  tool.arguments.push_back(request.source);
  tool.hear_output = true;
  auto digest = run_skopeo(tool);
  while (digest.ends_with('\n')) digest.pop_back();
  if (!is_digest(digest)) throw sys::Error("skopeo told no digest of it");
  return digest;
}

void pull(const Library& library, const PullRequest& request) {
  library.prepare();
  const auto kept = library.keep_all();
  const auto turn = library.turn_to_bring(request.name);
  if (!turn) return;
  sweep_abandoned(sys::open_dir(library.images_dir()).get());
  sweep_abandoned(sys::open_dir(library.layers_dir()).get());
  for (std::set<std::string> replaced;;) {
    try {
      (void)bring(library, request);
      break;
    } catch (const DamagedBlob& damaged) {
      if (!replaced.insert(damaged.digest).second) throw;
      sys::remove_tree_at(AT_FDCWD, library.blob_path(damaged.digest));
    }
  }
  Library::brought(turn.get());
}

}  // namespace pausa::image
