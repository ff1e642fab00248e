#include "cli/pull_secrets.hpp"

#include "pod/base64.hpp"
#include "pod/node.hpp"
#include "state/json_node.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <string_view>

namespace pausa::cli {
namespace {

using pod::Node;

struct Place {
  std::string host, port, path;
};

// Of "https://index.docker.io/v1/" as well as of "quay.io/team".
Place place_of(std::string_view name) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (name.starts_with(scheme)) name.remove_prefix(scheme.size());
  const auto slash = std::min(name.find('/'), name.size());
  std::string_view host = name.substr(0, slash);
  std::string_view path = name.substr(slash);
  while (path.ends_with('/')) path.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"})
    if (path == version || (path.starts_with(version) && path[version.size()] == '/'))
      path.remove_prefix(version.size());
  Place place;
  const auto colon = std::min(host.find(':'), host.size());
  place.host = host.substr(0, colon);
  place.port = host.substr(colon);
  place.path = path;
  if (place.host == "index.docker.io") place.host = "docker.io";
  return place;
}

bool same_host(const std::string& pattern, const std::string& host) {
  // A star stands for one part, or for a piece of it.
  return std::count(pattern.begin(), pattern.end(), '.') ==
             std::count(host.begin(), host.end(), '.') &&
         ::fnmatch(pattern.c_str(), host.c_str(), FNM_NOESCAPE) == 0;
}

bool fits(const Place& login, const Place& image) {
  if (!same_host(login.host, image.host) || login.port != image.port) return false;
  return login.path.empty() || image.path == login.path || image.path.starts_with(login.path + "/");
}

std::string auth_of(const Node& entry) {
  const auto text = [&entry](const char* key) {
    const auto* value = entry.find(key);
    return value != nullptr && value->is_string() ? value->text : std::string();
  };
  if (auto auth = text("auth"); !auth.empty()) return auth;
  const auto user = text("username");
  return user.empty() ? "" : pod::to_base64(user + ":" + text("password"));
}

void add_logins(const Node& entries, const image::Reference& reference,
                std::vector<std::string>& logins) {
  const Place image = place_of(reference.registry + "/" + reference.repository);
  std::vector<std::pair<std::string, std::string>> found;  // name, auth
  for (const auto& entry : entries.entries)
    if (auto auth = auth_of(entry.value); !auth.empty() && fits(place_of(entry.key), image))
      found.emplace_back(entry.key, std::move(auth));
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return place_of(a.first).path.size() > place_of(b.first).path.size();
  });
  for (auto& [name, auth] : found) {
    Node file = Node::make_map();
    Node& registries = file.set("auths");
    registries = Node::make_map();
    Node& login = registries.set(reference.registry);
    login = Node::make_map();
    login.set("auth", Node::make_string(std::move(auth)));
    logins.push_back(pod::to_json(file));
  }
}

}  // namespace

std::vector<std::string> logins_for(const image::Reference& reference,
                                    const std::vector<pod::Object>& secrets) {
  std::vector<std::string> logins;
  for (const auto& secret : secrets) {
    if (const auto* text = secret.find(".dockerconfigjson")) {
      const auto document = state::node_from_json(*text);
      const auto* entries = document ? document->find("auths") : nullptr;
      if (entries != nullptr && entries->is_map()) add_logins(*entries, reference, logins);
    } else if (const auto* old = secret.find(".dockercfg")) {
      if (const auto document = state::node_from_json(*old))
        add_logins(*document, reference, logins);
    }
  }
  return logins;
}

}  // namespace pausa::cli
