#include "pod/references.hpp"

#include "pod/suggest.hpp"
#include "pod/value.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

class References {
 public:
  References(const std::string& space, const ObjectSource& source)
      : namespace_(space), source_(source) {}

  Diagnostics check(const Value& spec) {
    for (const std::string_view list : {"initContainers", "containers"})
      for (const Value& container : spec[list].items()) check_container(container);
    for (const Value& volume : spec["volumes"].items()) check_volume(volume);
    return findings_.take();
  }

 private:
  void check_container(const Value& container) {
    for (const Value& source : container["envFrom"].items()) {
      check_object(source["configMapRef"], "name", ObjectKind::config_map);
      check_object(source["secretRef"], "name", ObjectKind::secret);
    }
    for (const Value& variable : container["env"].items()) {
      const Value from = variable["valueFrom"];
      check_variable(from["configMapKeyRef"], ObjectKind::config_map);
      check_variable(from["secretKeyRef"], ObjectKind::secret);
    }
  }

  void check_volume(const Value& volume) {
    check_files(volume["configMap"], "name", ObjectKind::config_map);
    check_files(volume["secret"], "secretName", ObjectKind::secret);
    for (const Value& source : volume["projected"]["sources"].items()) {
      check_files(source["configMap"], "name", ObjectKind::config_map);
      check_files(source["secret"], "name", ObjectKind::secret);
    }
    const Value claim = volume["persistentVolumeClaim"];
    const auto found = check_object(claim, "claimName", ObjectKind::claim);
    if (!found || found->claim.volume_name.empty()) return;
    if (!source_.find(ObjectKind::volume, "", found->claim.volume_name))
      findings_.not_found(claim["claimName"],
                          concat({"its volume, persistentvolume ", quoted(found->claim.volume_name),
                                  ", is not there"}));
  }

  // The object; empty when there is none (which is noted, unless it is optional).
  std::optional<Object> check_object(const Value& ref, std::string_view field, ObjectKind kind) {
    if (!ref.present()) return std::nullopt;
    const Value name = ref[field];
    auto object = source_.find(kind, namespace_, std::string(name.text()));
    if (object || ref["optional"].truth().value_or(false)) return object;
    findings_.not_found(name, concat({"there is no ", resource_name(kind), " ", quoted(name.text()),
                                      " in namespace ", namespace_}));
    findings_.hint(concat({"add the ", kind_name(kind), " to the manifest",
                           kind == ObjectKind::config_map ? ", or give --configmap-from"
                           : kind == ObjectKind::secret   ? ", or give --secret-from"
                                                          : ""}));
    return object;
  }

  void check_variable(const Value& ref, ObjectKind kind) {
    if (const auto object = check_object(ref, "name", kind))
      check_key(ref, ref["key"], *object, false);
  }

  void check_files(const Value& ref, std::string_view field, ObjectKind kind) {
    const auto object = check_object(ref, field, kind);
    if (!object) return;
    for (const Value& item : ref["items"].items()) check_key(ref, item["key"], *object, true);
  }

  void check_key(const Value& ref, const Value& key, const Object& object, bool with_binary) {
    if (ref["optional"].truth().value_or(false)) return;
    std::vector<std::string_view> keys;
    for (const auto& entry : object.data) keys.push_back(entry.first);
    if (with_binary)
      for (const auto& entry : object.binary) keys.push_back(entry.first);
    if (std::find(keys.begin(), keys.end(), key.text()) != keys.end()) return;
    findings_.not_found(key, concat({resource_name(object.kind), " ", quoted(object.metadata.name),
                                     " has no key ", quoted(key.text())}));
    if (const auto near = closest(key.text(), keys))
      findings_.hint(concat({"did you mean ", quoted(*near), "?"}));
  }

  const std::string& namespace_;
  const ObjectSource& source_;
  Findings findings_;
};

}  // namespace

Diagnostics check_references(const Node& pod, const std::string& namespace_,
                             const ObjectSource& source) {
  const Value root(pod);
  return References(namespace_, source).check(root["spec"]);
}

}  // namespace pausa::pod
