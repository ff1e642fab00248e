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
  return out;
}

}  // namespace pausa::pod
