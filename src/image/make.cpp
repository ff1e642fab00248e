#include "image/make.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <array>
#include <string_view>

namespace pausa::image {
namespace {

namespace json = boost::json;

// The output goes into `output`; without one it is returned.
std::string run(const char* name, std::vector<std::string> arguments, int input, int output) {
  sys::ToolRequest request;
  request.program = sys::find_tool(name);
  if (request.program.empty()) throw sys::Error(std::string(name) + " is not installed");
  request.arguments = std::move(arguments);
  request.arguments.insert(request.arguments.begin(), name);
  request.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
  if (input >= 0) request.descriptors.emplace_back(input, 0);
  if (output >= 0) request.descriptors.emplace_back(output, 1);
  request.hear_output = output < 0;
  auto result = sys::Tool(request).wait();
  if (result.code != 0)
    throw sys::Error(std::string(name) + ": " +
                     (result.errors.empty() ? "exit code " + std::to_string(result.code)
                                            : result.errors.substr(0, result.errors.find('\n'))));
  return std::move(result.output);
}

struct Blob {
  std::string digest;
  std::uint64_t size = 0;
};

// Gives the layout's file FOLDER/NAME its place among the blobs.
Blob add_blob(const std::string& folder, const std::string& name) {
  const auto file = sys::open_at(AT_FDCWD, folder + "/" + name, O_RDONLY);
  const auto words = run("sha256sum", {}, file.get(), -1);
  const std::string hex = words.substr(0, words.find(' '));
  struct ::stat info {};
  sys::check(::fstat(file.get(), &info), "stat a blob");
  const std::string from = folder + "/" + name;
  const std::string to = folder + "/blobs/sha256/" + hex;
  sys::check(::rename(from.c_str(), to.c_str()), "name ", to);
  return {"sha256:" + hex, static_cast<std::uint64_t>(info.st_size)};
}

Blob add_document(const std::string& folder, const json::value& document) {
  sys::create_file_at(sys::open_dir(folder).get(), "document", json::serialize(document), 0600);
  return add_blob(folder, "document");
}

json::object descriptor(const char* type, const Blob& blob) {
  return {{"mediaType", type}, {"digest", blob.digest}, {"size", blob.size}};
}

// As the architecture is called in images.
std::string architecture() {
  struct ::utsname machine {};
  (void)::uname(&machine);
  const std::string_view name = machine.machine;
  if (name == "x86_64") return "amd64";
  if (name == "aarch64") return "arm64";
  return std::string(name);
}

json::object config_object(const ImageConfig& config) {
  json::object object;
  const auto list = [&object](const char* key, const std::vector<std::string>& texts) {
    json::array array;
    for (const auto& text : texts) array.emplace_back(std::string_view(text));
    if (!array.empty()) object.emplace(key, std::move(array));
  };
  list("Entrypoint", config.entrypoint);
  list("Cmd", config.cmd);
  list("Env", config.env);
  if (!config.user.empty()) object.emplace("User", config.user);
  if (config.working_dir != "/") object.emplace("WorkingDir", config.working_dir);
  if (!config.stop_signal.empty()) object.emplace("StopSignal", config.stop_signal);
  return object;
}

// FOLDER/layer is there.
void finish(const std::string& folder, const ImageConfig& config) {
  const auto layer = add_blob(folder, "layer");
  const auto document = add_document(
      folder,
      json::object{{"architecture", architecture()},
                   {"os", "linux"},
                   {"config", config_object(config)},
                   {"rootfs", {{"type", "layers"}, {"diff_ids", json::array{layer.digest}}}}});
  constexpr const char* manifest_type = "application/vnd.oci.image.manifest.v1+json";
  auto manifest = descriptor(
      manifest_type,
      add_document(
          folder, json::object{
                      {"schemaVersion", 2},
                      {"mediaType", manifest_type},
                      {"config", descriptor("application/vnd.oci.image.config.v1+json", document)},
                      {"layers",
                       json::array{descriptor("application/vnd.oci.image.layer.v1.tar", layer)}}}));
  manifest.emplace("annotations", json::object{{"org.opencontainers.image.ref.name", "image"}});
  const auto dir = sys::open_dir(folder);
  sys::create_file_at(dir.get(), "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}\n", 0600);
  sys::create_file_at(dir.get(), "index.json",
                      json::serialize(json::object{
                          {"schemaVersion", 2}, {"manifests", json::array{std::move(manifest)}}}),
                      0600);
}

MadeLayout begin(const Library& library) {
  library.prepare();
  MadeLayout made{Staging(library.images_dir())};
  (void)sys::make_dirs_at(AT_FDCWD, made.folder.path() + "/blobs/sha256", 0700);
  return made;
}

sys::UniqueFd layer_file(const MadeLayout& made) {
  return sys::open_at(AT_FDCWD, made.folder.path() + "/layer", O_RDWR | O_CREAT | O_EXCL, 0600);
}

}  // namespace

MadeLayout layout_of_tar(const Library& library, int tar, const ImageConfig& config) {
  auto made = begin(library);
  {
    const auto layer = layer_file(made);
    (void)run("cat", {}, tar, layer.get());
    std::array<unsigned char, 4> magic{};
    if (sys::check(::pread(layer.get(), magic.data(), magic.size(), 0), "read the tar") == 0)
      throw sys::Error("the tar is empty");
    const bool gzip = magic[0] == 0x1f && magic[1] == 0x8b;
    const bool zstd = magic == std::array<unsigned char, 4>{0x28, 0xb5, 0x2f, 0xfd};
    if (gzip || zstd) {
      const std::string path = made.folder.path() + "/layer";
      sys::check(::unlink(path.c_str()), "remove ", path);
      sys::check(::lseek(layer.get(), 0, SEEK_SET), "read it again");
      (void)run(gzip ? "gzip" : "zstd", {"-dc"}, layer.get(), layer_file(made).get());
    }
  }
  finish(made.folder.path(), config);
  return made;
}

MadeLayout layout_of_folder(const Library& library, const std::string& folder,
                            const ImageConfig& config) {
  auto made = begin(library);
  (void)run("tar",
            {"--sort=name", "--mtime=@0", "--numeric-owner", "--format=pax",
             "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime", "--xattrs",
             "--one-file-system", "-C", folder, "-cf", "-", "."},
            -1, layer_file(made).get());
  finish(made.folder.path(), config);
  return made;
}

}  // namespace pausa::image
