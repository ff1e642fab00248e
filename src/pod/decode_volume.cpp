// Volumes, and where a container mounts them.
#include "pod/decode_parts.hpp"

namespace pausa::pod {

namespace {

constexpr std::array<std::pair<std::string_view, HostPathType>, 7> host_path_types = {
    {{"DirectoryOrCreate", HostPathType::directory_or_create},
     {"Directory", HostPathType::directory},
     {"FileOrCreate", HostPathType::file_or_create},
     {"File", HostPathType::file},
     {"Socket", HostPathType::socket},
     {"CharDevice", HostPathType::char_device},
     {"BlockDevice", HostPathType::block_device}}};

std::optional<std::uint32_t> file_mode(const Node& node, std::string_view key) {
  const Node* const value = field(node, key);
  if (!value || value->kind != Node::Kind::integer) return std::nullopt;
  return static_cast<std::uint32_t>(value->integer & 0777);
}

void add_downward(const Node& node, Projected& out) {
  Projection& source = out.sources.emplace_back();
  source.kind = Projection::Kind::downward;
  each(node, "items", [&source](const Node& item) {
    DownwardFile file;
    get(item, "path", file.path);
    file.mode = file_mode(item, "mode");
    in_map(item, "fieldRef", [&](const Node& ref) { file.source = decode_field_ref(ref); });
    in_map(item, "resourceFieldRef",
           [&](const Node& ref) { file.source = decode_resource_ref(ref); });
    source.files.push_back(std::move(file));
  });
}

void add_object(const Node& node, Projection::Kind kind, std::string_view name, Projected& out) {
  Projection& source = out.sources.emplace_back();
  source.kind = kind;
  get(node, name, source.name);
  get(node, "optional", source.optional);
  each(node, "items", [&source](const Node& item) {
    KeyToPath& entry = source.items.emplace_back();
    get(item, "key", entry.key);
    get(item, "path", entry.path);
    entry.mode = file_mode(item, "mode");
  });
}

void add_sources(const Node& node, Projected& out) {
  each(node, "sources", [&out](const Node& source) {
    in_map(source, "configMap",
           [&](const Node& map) { add_object(map, Projection::Kind::config_map, "name", out); });
    in_map(source, "secret",
           [&](const Node& map) { add_object(map, Projection::Kind::secret, "name", out); });
    in_map(source, "downwardAPI", [&](const Node& map) { add_downward(map, out); });
  });
}

}  // namespace

HostPathType host_path_type(const Node& host) {
  HostPathType type = HostPathType::unset;
  get_word(host, "type", host_path_types, type);
  return type;
}

std::string_view host_path_type_name(HostPathType type) {
  for (const auto& [name, known] : host_path_types)
    if (known == type) return name;
  return {};
}

VolumeMount decode_volume_mount(const Node& node) {
  static constexpr std::array<std::pair<std::string_view, MountPropagation>, 2> propagations = {
      {{"HostToContainer", MountPropagation::host_to_container},
       {"Bidirectional", MountPropagation::bidirectional}}};
  VolumeMount out;
  get(node, "name", out.name);
  get(node, "mountPath", out.mount_path);
  get(node, "subPath", out.sub_path);
  std::string expression;
  get(node, "subPathExpr", expression);
  if (!expression.empty()) {
    out.sub_path = std::move(expression);
    out.expand_sub_path = true;
  }
  std::string recursive;
  get(node, "recursiveReadOnly", recursive);
  out.shallow_read_only = recursive == "Disabled";
  get(node, "readOnly", out.read_only);
  get_word(node, "mountPropagation", propagations, out.propagation);
  return out;
}

// A volume that names no source is an emptyDir.
Volume decode_volume(const Node& node) {
  Volume out;
  get(node, "name", out.name);
  in_map(node, "emptyDir", [&out](const Node& map) {
    EmptyDir empty;
    std::string medium;
    get(map, "medium", medium);
    empty.memory = medium == "Memory";
    if (const auto limit = get_quantity(map, "sizeLimit")) empty.size_limit_bytes = limit->value();
    out.source = empty;
  });
  in_map(node, "hostPath", [&out](const Node& map) {
    HostPath host;
    get(map, "path", host.path);
    host.type = host_path_type(map);
    out.source = std::move(host);
  });
  const auto generated = [&](std::string_view kind, auto add) {
    in_map(node, kind, [&](const Node& map) {
      Projected files;
      files.default_mode = file_mode(map, "defaultMode").value_or(files.default_mode);
      add(map, files);
      out.source = std::move(files);
    });
  };
  generated("configMap", [](const Node& map, Projected& files) {
    files.memory = false;
    add_object(map, Projection::Kind::config_map, "name", files);
  });
  generated("secret", [](const Node& map, Projected& files) {
    add_object(map, Projection::Kind::secret, "secretName", files);
  });
  generated("downwardAPI", add_downward);
  generated("projected", add_sources);
  in_map(node, "persistentVolumeClaim", [&out](const Node& map) {
    ClaimVolume claim;
    get(map, "claimName", claim.claim);
    get(map, "readOnly", claim.read_only);
    out.source = std::move(claim);
  });
  in_map(node, "image", [&out](const Node& map) {
    ImageVolume image;
    get(map, "reference", image.reference);
    get_word(map, "pullPolicy", pull_policies, image.pull_policy);
    out.source = std::move(image);
  });
  // ephemeral: a claim that lives and dies with the pod is a directory of the pod's own.
  return out;
}

}  // namespace pausa::pod
