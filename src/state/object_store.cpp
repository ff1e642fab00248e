#include "state/object_store.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>

namespace pausa::state {
namespace {

namespace json = boost::json;

// An object holds 1 MiB at most, to which come base64 and escapes.
constexpr std::size_t object_limit = 8U << 20U;
constexpr const char* cluster_folder = "_cluster";
constexpr std::string_view suffix = ".json";

pod::Node to_node(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return pod::Node::make_boolean(value.get_bool());
    case json::kind::int64:
    case json::kind::uint64:
      return pod::Node::make_integer(value.to_number<std::int64_t>());
    case json::kind::double_:
      return pod::Node::make_real(value.get_double());
    case json::kind::string:
      return pod::Node::make_string(std::string(value.get_string()));
    case json::kind::array: {
      pod::Node list = pod::Node::make_list();
      for (const auto& item : value.get_array()) list.push(to_node(item));
      return list;
    }
    case json::kind::object: {
      pod::Node map = pod::Node::make_map();
      for (const auto& [key, item] : value.get_object()) map.set(key, to_node(item));
      return map;
    }
  }
  return {};
}

}  // namespace

std::optional<pod::Object> object_from_json(const std::string& text, pod::ObjectKind kind) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return std::nullopt;
  return pod::decode_object(to_node(value), kind);
}

std::string ObjectStore::folder(pod::ObjectKind kind, const std::string& namespace_) const {
  return root_ + "/" + (pod::is_namespaced(kind) ? namespace_ : cluster_folder) + "/" +
         std::string(pod::resource_name(kind));
}

std::optional<pod::Object> ObjectStore::find(pod::ObjectKind kind, const std::string& namespace_,
                                             const std::string& name) const {
  // A name out of a manifest: some fields of the Pod take any text.
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return std::nullopt;
  const std::string path = folder(kind, namespace_) + "/" + name + std::string(suffix);
  const auto text = sys::read_file_at(AT_FDCWD, path, object_limit);
  if (!text) return std::nullopt;
  auto object = object_from_json(*text, kind);
  if (!object) throw sys::Error(path + " is damaged");
  return object;
}

std::vector<pod::Object> ObjectStore::list(pod::ObjectKind kind) const {
  std::vector<pod::Object> objects;
  const sys::UniqueFd root = sys::try_open_at(AT_FDCWD, root_, O_RDONLY | O_DIRECTORY);
  if (!root) return objects;
  for (const auto& namespace_ : sys::list_dir(root.get())) {
    if ((namespace_ == cluster_folder) == pod::is_namespaced(kind)) continue;
    const sys::UniqueFd dir =
        sys::try_open_at(AT_FDCWD, folder(kind, namespace_), O_RDONLY | O_DIRECTORY);
    if (!dir) continue;
    for (const auto& file : sys::list_dir(dir.get())) {
      if (file.starts_with('.') || !file.ends_with(suffix)) continue;
      auto object = find(kind, namespace_, file.substr(0, file.size() - suffix.size()));
      if (object) objects.push_back(std::move(*object));
    }
  }
  return objects;
}

bool ObjectStore::put(const pod::Object& object) const {
  const auto& [name, namespace_, labels, annotations] = object.metadata;
  const std::string path = folder(object.kind, namespace_);
  const std::string file = name + std::string(suffix);
  const std::string text = pod::to_json(pod::object_node(object), 2) + "\n";
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, path, 0700);
  if (sys::read_file_at(dir.get(), file, object_limit) == text) return false;
  sys::replace_file_at(dir.get(), file, text, 0600);
  return true;
}

bool ObjectStore::remove(const pod::Object& object) const {
  const std::string path = folder(object.kind, object.metadata.namespace_) + "/" +
                           object.metadata.name + std::string(suffix);
  if (::unlink(path.c_str()) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) sys::check(-1, "remove ", path);
  return false;
}

}  // namespace pausa::state
