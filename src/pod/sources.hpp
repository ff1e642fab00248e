// Where values and files come from that do not stand in the pod itself: objects, the pod's own
// facts, files that a container wrote. Pure values, part of spec.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pausa::pod {

// A fact about the pod (fieldRef).
enum class PodField : std::uint8_t {
  name,
  namespace_,
  uid,
  labels,       // all of them, as the lines of a file
  annotations,  // likewise
  label,        // one, by key
  annotation,
  node_name,
  service_account,
  host_ip,
  host_ips,
  pod_ip,
  pod_ips
};
struct FieldRef {
  PodField field = PodField::name;
  std::string key;  // of a label or annotation
};

// A limit or request (resourceFieldRef).
enum class ResourceName : std::uint8_t {
  limit_cpu,
  limit_memory,
  limit_storage,
  request_cpu,
  request_memory,
  request_storage,
  other  // huge pages, of which there are none
};
struct ResourceRef {
  std::string container;  // empty: the one that asks
  ResourceName resource = ResourceName::limit_cpu;
  std::int64_t divisor = 1;  // thousandths of a CPU, or bytes
};

// A key of a ConfigMap or Secret (configMapKeyRef, secretKeyRef).
struct KeyRef {
  bool secret = false;
  std::string name;
  std::string key;
  bool optional = false;
};

// A variable of a file in a volume (fileKeyRef).
struct FileKeyRef {
  std::string volume;
  std::string path;
  std::string key;
  bool optional = false;
};

using ValueSource = std::variant<KeyRef, FieldRef, ResourceRef, FileKeyRef>;

// All keys of a ConfigMap or Secret as variables.
struct EnvFrom {
  bool secret = false;
  std::string name;
  std::string prefix;
  bool optional = false;
};

struct KeyToPath {
  std::string key;
  std::string path;
  std::optional<std::uint32_t> mode;
};
struct DownwardFile {
  std::string path;
  std::variant<FieldRef, ResourceRef> source;
  std::optional<std::uint32_t> mode;
};

// One part of a directory of generated files.
struct Projection {
  enum class Kind : std::uint8_t { config_map, secret, downward };
  Kind kind = Kind::config_map;
  std::string name;  // of the object
  bool optional = false;
  std::vector<KeyToPath> items;     // empty: every key under its own name
  std::vector<DownwardFile> files;  // kind downward
};

// A volume of generated files: configMap, secret, downwardAPI, projected.
struct Projected {
  std::vector<Projection> sources;
  std::uint32_t default_mode = 0644;
  bool memory = true;  // never on a disk
};

// persistentVolumeClaim.
struct ClaimVolume {
  std::string claim;
  bool read_only = false;
};

}  // namespace pausa::pod
