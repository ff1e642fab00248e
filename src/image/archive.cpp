#include "image/archive.hpp"

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

}  // namespace

Archive look_into(const std::string& path, const std::string& unpacker) {
  const std::unique_ptr<char, decltype(&::free)> whole(::realpath(path.c_str(), nullptr), &::free);
  if (!whole) throw sys::Error(errno, "open " + path);
  const std::string docker = std::string("docker-archive:") + whole.get();
  if (const auto manifest = docker_manifest(whole.get(), unpacker))
    return {docker, name_in(*manifest)};
  // The tags of docker save; an OCI archive has none that it would tell.
  if (const auto tags = ask_skopeo("list-tags", docker); tags.code == 0) {
    boost::system::error_code broken;
    const auto told = boost::json::parse(tags.output, broken);
    const auto* list = broken || !told.is_object() ? nullptr : told.as_object().if_contains("Tags");
    const bool one = list != nullptr && list->is_array() && list->as_array().size() == 1 &&
                     list->as_array()[0].is_string();
    return {docker, one ? std::string(std::string_view(list->as_array()[0].as_string())) : ""};
  }
  const std::string oci = std::string("oci-archive:") + whole.get();
  if (ask_skopeo("inspect", oci).code == 0) return {oci, ""};
  throw sys::Error(path + " is neither an archive of docker save nor one of an OCI image");
}

}  // namespace pausa::image
