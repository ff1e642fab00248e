// Objects beside the pod: from the tree and back.
#include "pod/base64.hpp"
#include "pod/decode_parts.hpp"
#include "pod/network_policy.hpp"
#include "pod/object.hpp"
#include "pod/service.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

void put(KeyValues& data, const std::string& key, std::string value) {
  const auto old =
      std::find_if(data.begin(), data.end(), [&](const auto& entry) { return entry.first == key; });
  if (old != data.end())
    old->second = std::move(value);
  else
    data.emplace_back(key, std::move(value));
}

void read_data(const Node& node, std::string_view field, bool encoded, KeyValues& out) {
  in_map(node, field, [&](const Node& map) {
    for (const Entry& entry : map.entries) {
      if (!encoded)
        put(out, entry.key, entry.value.text);
      else if (auto bytes = from_base64(entry.value.text))
        put(out, entry.key, std::move(*bytes));
    }
  });
}

Claim claim(const Node& spec) {
  Claim out;
  get(spec, "accessModes", out.access_modes);
  get(spec, "volumeName", out.volume_name);
  if (const Node* const name = field(spec, "storageClassName"); name && name->is_string())
    out.storage_class = name->text;
  in_map(spec, "selector",
         [&](const Node& selector) { out.selector = decode_label_selector(selector); });
  in_map(spec, "resources", [&](const Node& resources) {
    in_map(resources, "requests", [&](const Node& requests) {
      if (const auto size = get_quantity(requests, "storage"))
        out.bytes = size->value().value_or(0);
    });
  });
  return out;
}

PersistentVolume volume(const Node& spec) {
  PersistentVolume out;
  get(spec, "accessModes", out.access_modes);
  get(spec, "storageClassName", out.storage_class);
  in_map(spec, "capacity", [&](const Node& capacity) {
    if (const auto size = get_quantity(capacity, "storage")) out.bytes = size->value().value_or(0);
  });
  in_map(spec, "claimRef", [&](const Node& reference) {
    get(reference, "namespace", out.claim_namespace);
    get(reference, "name", out.claim_name);
  });
  in_map(spec, "hostPath", [&](const Node& host) {
    get(host, "path", out.path);
    out.type = host_path_type(host);
  });
  in_map(spec, "local", [&](const Node& local) {
    out.local = true;
    get(local, "path", out.path);
    out.type = HostPathType::directory;
  });
  return out;
}

Node texts(const KeyValues& values, bool encoded = false) {
  Node map = Node::make_map();
  for (const auto& [key, value] : values)
    map.set(key, Node::make_string(encoded ? to_base64(value) : value));
  return map;
}

Node words(const std::vector<std::string>& values) {
  Node list = Node::make_list();
  for (const std::string& value : values) list.push(Node::make_string(value));
  return list;
}

void add_claim(const Claim& claim, Node& object) {
  Node& spec = object.set("spec");
  spec.set("accessModes", words(claim.access_modes));
  spec.set("resources").set("requests").set("storage", Node::make_integer(claim.bytes));
  if (claim.storage_class) spec.set("storageClassName", Node::make_string(*claim.storage_class));
  if (!claim.volume_name.empty()) spec.set("volumeName", Node::make_string(claim.volume_name));
  if (!claim.selector.empty()) spec.set("selector", label_selector_node(claim.selector));
}

void add_volume(const PersistentVolume& volume, Node& object) {
  Node& spec = object.set("spec");
  spec.set("capacity").set("storage", Node::make_integer(volume.bytes));
  spec.set("accessModes", words(volume.access_modes));
  if (!volume.storage_class.empty())
    spec.set("storageClassName", Node::make_string(volume.storage_class));
  Node& source = spec.set(volume.local ? "local" : "hostPath");
  source.set("path", Node::make_string(volume.path));
  if (!volume.local && volume.type != HostPathType::unset)
    source.set("type", Node::make_string(std::string(host_path_type_name(volume.type))));
  if (!volume.claim_name.empty()) {
    Node& reference = spec.set("claimRef");
    if (!volume.claim_namespace.empty())
      reference.set("namespace", Node::make_string(volume.claim_namespace));
    reference.set("name", Node::make_string(volume.claim_name));
  }
}

}  // namespace

Object decode_object(const Node& node, ObjectKind kind) {
  Object out;
  out.kind = kind;
  out.metadata.namespace_ = is_namespaced(kind) ? "default" : "";
  in_map(node, "metadata", [&](const Node& metadata) {
    get(metadata, "name", out.metadata.name);
    std::string space;
    get(metadata, "namespace", space);
    if (is_namespaced(kind) && !space.empty()) out.metadata.namespace_ = std::move(space);
    get(metadata, "labels", out.metadata.labels);
    get(metadata, "annotations", out.metadata.annotations);
  });
  get(node, "immutable", out.immutable);
  switch (kind) {
    case ObjectKind::config_map:
      read_data(node, "data", false, out.data);
      read_data(node, "binaryData", true, out.binary);
      break;
    case ObjectKind::secret:
      read_data(node, "data", true, out.data);
      read_data(node, "stringData", false, out.data);
      out.type = "Opaque";
      get(node, "type", out.type);
      break;
    case ObjectKind::claim:
      in_map(node, "spec", [&](const Node& spec) { out.claim = claim(spec); });
      break;
    case ObjectKind::volume:
      in_map(node, "spec", [&](const Node& spec) { out.volume = volume(spec); });
      break;
    case ObjectKind::namespace_:
      break;
    case ObjectKind::service:
      out.service = std::make_shared<const Service>();
      in_map(node, "spec", [&](const Node& spec) {
        out.service = std::make_shared<const Service>(decode_service(spec));
      });
      break;
    case ObjectKind::network_policy:
      out.policy = std::make_shared<const NetworkPolicy>();
      in_map(node, "spec", [&](const Node& spec) {
        out.policy = std::make_shared<const NetworkPolicy>(decode_network_policy(spec));
      });
      break;
  }
  std::sort(out.data.begin(), out.data.end());
  std::sort(out.binary.begin(), out.binary.end());
  return out;
}

Node object_node(const Object& object) {
  Node node = Node::make_map();
  node.set("apiVersion", Node::make_string(std::string(api_version(object.kind))));
  node.set("kind", Node::make_string(std::string(kind_name(object.kind))));
  Node& metadata = node.set("metadata");
  metadata.set("name", Node::make_string(object.metadata.name));
  if (!object.metadata.namespace_.empty())
    metadata.set("namespace", Node::make_string(object.metadata.namespace_));
  if (!object.metadata.labels.empty()) metadata.set("labels", texts(object.metadata.labels));
  if (!object.metadata.annotations.empty())
    metadata.set("annotations", texts(object.metadata.annotations));
  switch (object.kind) {
    case ObjectKind::config_map:
      if (!object.data.empty()) node.set("data", texts(object.data));
      if (!object.binary.empty()) node.set("binaryData", texts(object.binary, true));
      break;
    case ObjectKind::secret:
      node.set("type", Node::make_string(object.type));
      if (!object.data.empty()) node.set("data", texts(object.data, true));
      break;
    case ObjectKind::claim:
      add_claim(object.claim, node);
      break;
    case ObjectKind::volume:
      add_volume(object.volume, node);
      break;
    case ObjectKind::namespace_:
      break;
    case ObjectKind::service:
      add_service(*object.service, node);
      break;
    case ObjectKind::network_policy:
      add_network_policy(*object.policy, node);
      break;
  }
  if (object.immutable) node.set("immutable", Node::make_boolean(true));
  return node;
}

}  // namespace pausa::pod
