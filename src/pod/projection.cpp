#include "pod/projection.hpp"

#include "pod/environment.hpp"
#include "pod/value.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

// Without empty components and ".".
std::string normal(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  return out;
}

class Projector {
 public:
  Projector(const Pod& pod, const Projected& volume, const Surroundings& surroundings)
      : pod_(pod), volume_(volume), surroundings_(surroundings) {}

  ProjectedFiles project() {
    for (const Projection& source : volume_.sources) {
      if (source.kind == Projection::Kind::downward)
        add_facts(source);
      else
        add_object(source);
    }
    auto& files = out_.files;
    // Stable, so that of one path the last that was added stands last.
    std::stable_sort(files.begin(), files.end(),
                     [](const auto& a, const auto& b) { return a.path < b.path; });
    const auto kept = std::unique(files.rbegin(), files.rend(),
                                  [](const auto& a, const auto& b) { return a.path == b.path; });
    files.erase(files.begin(), kept.base());
    check_tree();
    return std::move(out_);
  }

 private:
  void fault(std::string text) {
    if (!out_.fault) out_.fault = std::move(text);
  }

  void add(const std::string& path, std::string text, const std::optional<std::uint32_t>& mode) {
    std::string plain = normal(path);
    if (plain.empty()) return fault("path " + quoted(path) + " names no file");
    out_.files.push_back({std::move(plain), std::move(text), mode.value_or(volume_.default_mode)});
  }

  void add_facts(const Projection& source) {
    for (const DownwardFile& file : source.files) {
      const auto* const field = std::get_if<FieldRef>(&file.source);
      add(file.path,
          field ? field_text(pod_, *field, surroundings_)
                : resource_text(pod_, nullptr, std::get<ResourceRef>(file.source), surroundings_),
          file.mode);
    }
  }

  void add_object(const Projection& source) {
    const auto kind =
        source.kind == Projection::Kind::secret ? ObjectKind::secret : ObjectKind::config_map;
    const auto object = surroundings_.object(kind, source.name);
    const std::string what = concat({resource_name(kind), " ", quoted(source.name)});
    if (!object) {
      if (!source.optional) fault(what + " not found");
      return;
    }
    if (source.items.empty())
      for (const auto* const data : {&object->data, &object->binary})
        for (const auto& [key, value] : *data) add(key, value, std::nullopt);
    for (const KeyToPath& item : source.items) {
      const std::string* const value = object->find(item.key);
      if (value)
        add(item.path, *value, item.mode);
      else if (!source.optional)
        fault(what + " key " + quoted(item.key) + " not found");
    }
  }

  // "a" cannot be a file and a directory.
  void check_tree() {
    const auto& files = out_.files;
    for (std::size_t i = 0; i < files.size(); ++i)
      for (std::size_t j = i + 1; j < files.size() && files[j].path.starts_with(files[i].path); ++j)
        if (files[j].path[files[i].path.size()] == '/')
          fault("path " + quoted(files[i].path) + " is a file and a directory");
  }

  const Pod& pod_;
  const Projected& volume_;
  const Surroundings& surroundings_;
  ProjectedFiles out_;
};

}  // namespace

ProjectedFiles project(const Pod& pod, const Projected& volume, const Surroundings& surroundings) {
  return Projector(pod, volume, surroundings).project();
}

}  // namespace pausa::pod
