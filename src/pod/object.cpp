#include "pod/object.hpp"

#include "pod/key_values.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

struct KindNames {
  std::string_view kind;
  std::string_view resource;
};
constexpr std::array<KindNames, all_object_kinds.size()> names{
    {{"ConfigMap", "configmap"},
     {"Secret", "secret"},
     {"PersistentVolumeClaim", "persistentvolumeclaim"},
     {"PersistentVolume", "persistentvolume"},
     {"Namespace", "namespace"},
     {"Service", "service"},
     {"NetworkPolicy", "networkpolicy"}}};

bool has_all(const std::vector<std::string>& have, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& mode) {
    return std::find(have.begin(), have.end(), mode) != have.end();
  });
}

bool is_for(const PersistentVolume& volume, const Object& claim) {
  return volume.claim_name == claim.metadata.name &&
         (volume.claim_namespace.empty() ? "default" : volume.claim_namespace) ==
             claim.metadata.namespace_;
}

bool fits(const Object& volume, const Object& claim) {
  const PersistentVolume& offered = volume.volume;
  const Claim& wanted = claim.claim;
  if (!offered.claim_name.empty() && !is_for(offered, claim)) return false;
  // A claim that names no class takes a volume that has none.
  return offered.storage_class == wanted.storage_class.value_or("") &&
         offered.bytes >= wanted.bytes && has_all(offered.access_modes, wanted.access_modes) &&
         wanted.selector.matches(volume.metadata.labels);
}

}  // namespace

std::string_view kind_name(ObjectKind kind) {
  return names[static_cast<std::size_t>(kind)].kind;
}

std::string_view resource_name(ObjectKind kind) {
  return names[static_cast<std::size_t>(kind)].resource;
}

std::string_view api_version(ObjectKind kind) {
  return kind == ObjectKind::network_policy ? "networking.k8s.io/v1" : "v1";
}

std::optional<ObjectKind> object_kind(std::string_view kind) {
  for (const ObjectKind known : all_object_kinds)
    if (kind_name(known) == kind) return known;
  return std::nullopt;
}

bool is_namespaced(ObjectKind kind) {
  return kind != ObjectKind::volume && kind != ObjectKind::namespace_;
}

const std::string* Object::find(std::string_view key) const {
  const std::string* const text = find_value(data, key);
  return text ? text : find_value(binary, key);
}

const Object* fitting_volume(const Object& claim, const std::vector<Object>& volumes,
                             const std::vector<Object>& claims) {
  const auto taken = [&](const Object& volume) {
    return std::any_of(claims.begin(), claims.end(), [&](const Object& other) {
      const bool same = other.metadata.name == claim.metadata.name &&
                        other.metadata.namespace_ == claim.metadata.namespace_;
      return !same && other.claim.volume_name == volume.metadata.name;
    });
  };
  const Object* best = nullptr;
  for (const Object& volume : volumes) {
    if (!claim.claim.volume_name.empty()) {
      if (volume.metadata.name == claim.claim.volume_name) return &volume;
      continue;
    }
    if (!fits(volume, claim) || taken(volume)) continue;
    if (is_for(volume.volume, claim)) return &volume;
    if (!best || volume.volume.bytes < best->volume.bytes) best = &volume;
  }
  return best;
}

}  // namespace pausa::pod
