// The objects beside the pod that a manifest may hold: what pods read (ConfigMap, Secret), where
// their data lies (PersistentVolumeClaim, PersistentVolume), the Namespace, by what name others
// reach them (Service), and who may (NetworkPolicy). Pure values.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/label_selector.hpp"
#include "pod/node.hpp"
#include "pod/spec.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

enum class ObjectKind : std::uint8_t {
  config_map,
  secret,
  claim,
  volume,
  namespace_,
  service,
  network_policy
};

inline constexpr std::array all_object_kinds{
    ObjectKind::config_map, ObjectKind::secret,  ObjectKind::claim,         ObjectKind::volume,
    ObjectKind::namespace_, ObjectKind::service, ObjectKind::network_policy};

std::string_view kind_name(ObjectKind kind);      // "ConfigMap"
std::string_view resource_name(ObjectKind kind);  // "configmap", as kubectl names it
std::string_view api_version(ObjectKind kind);    // "v1"
std::optional<ObjectKind> object_kind(std::string_view kind);
// PersistentVolume and Namespace stand above namespaces.
bool is_namespaced(ObjectKind kind);

// A PersistentVolumeClaim: a directory of its own, unless a PersistentVolume fits it.
struct Claim {
  std::int64_t bytes = 0;  // asked for; noted, not enforced
  std::vector<std::string> access_modes;
  std::optional<std::string> storage_class;
  std::string volume_name;  // of the PersistentVolume wanted, or bound
  LabelSelector selector;   // of the volume
};

// A PersistentVolume: a directory of this machine.
struct PersistentVolume {
  std::string path;
  HostPathType type = HostPathType::unset;
  bool local = false;  // local, not hostPath: fsGroup applies
  std::int64_t bytes = 0;
  std::vector<std::string> access_modes;
  std::string storage_class;
  std::string claim_namespace, claim_name;  // claimRef: for this claim only
};

struct Service;
struct NetworkPolicy;

struct Object {
  ObjectKind kind = ObjectKind::config_map;
  Metadata metadata;  // namespace_ is empty where the kind has none
  KeyValues data;     // sorted by key; a Secret's is decoded
  KeyValues binary;   // a ConfigMap's binaryData, decoded
  std::string type;   // of a Secret
  bool immutable = false;
  Claim claim;                             // kind claim
  PersistentVolume volume;                 // kind volume
  std::shared_ptr<const Service> service;  // kind service
  std::shared_ptr<const NetworkPolicy> policy;

  // The value of a key, text before binary; nullptr when there is none.
  const std::string* find(std::string_view key) const;
};

// From a validated tree (what is not as it should be reads as absent) …
Object decode_object(const Node& node, ObjectKind kind);
// … and back: an object as kubectl would print it, a Secret's stringData merged into its data.
Node object_node(const Object& object);

// Unknown fields, wrong types and Kubernetes' rules, and notes for what has no effect here. No
// finding of a Secret's data holds any of it.
Diagnostics validate_object(const Node& node, ObjectKind kind);

// The volume that a claim gets: the one that it names, else the smallest that is free and fits.
// nullptr: none does.
const Object* fitting_volume(const Object& claim, const std::vector<Object>& volumes,
                             const std::vector<Object>& claims);

// Where objects are looked up. Implemented by the store, by a manifest in memory, and by tests.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;
  // The namespace is empty for kinds that have none.
  virtual std::optional<Object> find(ObjectKind kind, const std::string& namespace_,
                                     const std::string& name) const = 0;
};

}  // namespace pausa::pod
