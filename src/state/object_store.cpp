#include "state/object_store.hpp"

#include "state/json_node.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pausa::state {
namespace {

// An object holds 1 MiB at most, to which come base64 and escapes.
constexpr std::size_t object_limit = 8U << 20U;
constexpr const char* cluster_folder = "_cluster";
constexpr std::string_view suffix = ".json";

}  // namespace

std::optional<pod::Object> object_from_json(const std::string& text, pod::ObjectKind kind) {
  const auto node = node_from_json(text);
  if (!node) return std::nullopt;
  return pod::decode_object(*node, kind);
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
