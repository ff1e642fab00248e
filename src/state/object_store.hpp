// The stored objects beside the pods: ROOT/objects/NAMESPACE/KIND/NAME.json, each as kubectl would
// print it, for its owner only. Those above namespaces stand under "_cluster". An object is
// replaced, never changed, so that reading takes no lock.
#pragma once

#include "pod/object.hpp"
#include "state/paths.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::state {

// nullopt: not an object.
std::optional<pod::Object> object_from_json(const std::string& text, pod::ObjectKind kind);

class ObjectStore : public pod::ObjectSource {
 public:
  explicit ObjectStore(const Paths& paths) : root_(paths.objects()) {}

  // Throws sys::Error when it is there and cannot be read.
  std::optional<pod::Object> find(pod::ObjectKind kind, const std::string& namespace_,
                                  const std::string& name) const override;
  // Of a kind, in all namespaces, sorted.
  std::vector<pod::Object> list(pod::ObjectKind kind) const;
  // Whether it was changed by that.
  bool put(const pod::Object& object) const;
  // Whether it was there.
  bool remove(const pod::Object& object) const;

 private:
  std::string folder(pod::ObjectKind kind, const std::string& namespace_) const;

  std::string root_;
};

}  // namespace pausa::state
