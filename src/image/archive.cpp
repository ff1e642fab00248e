#include "image/archive.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <limits.h>
#include <stdlib.h>

#include <boost/json.hpp>

#include <memory>

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

}  // namespace

Archive look_into(const std::string& path) {
  const std::unique_ptr<char, decltype(&::free)> whole(::realpath(path.c_str(), nullptr), &::free);
  if (!whole) throw sys::Error(errno, "open " + path);
  const std::string docker = std::string("docker-archive:") + whole.get();
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
