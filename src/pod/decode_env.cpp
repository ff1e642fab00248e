// Environment variables and where their values come from.
#include "pod/decode_parts.hpp"

namespace pausa::pod {

namespace {

constexpr std::array<std::pair<std::string_view, PodField>, 11> fields = {
    {{"metadata.name", PodField::name},
     {"metadata.namespace", PodField::namespace_},
     {"metadata.uid", PodField::uid},
     {"metadata.labels", PodField::labels},
     {"metadata.annotations", PodField::annotations},
     {"spec.nodeName", PodField::node_name},
     {"spec.serviceAccountName", PodField::service_account},
     {"status.hostIP", PodField::host_ip},
     {"status.hostIPs", PodField::host_ips},
     {"status.podIP", PodField::pod_ip},
     {"status.podIPs", PodField::pod_ips}}};

constexpr std::array<std::pair<std::string_view, ResourceName>, 6> resources = {
    {{"limits.cpu", ResourceName::limit_cpu},
     {"limits.memory", ResourceName::limit_memory},
     {"limits.ephemeral-storage", ResourceName::limit_storage},
     {"requests.cpu", ResourceName::request_cpu},
     {"requests.memory", ResourceName::request_memory},
     {"requests.ephemeral-storage", ResourceName::request_storage}}};

KeyRef key_ref(const Node& node, bool secret) {
  KeyRef out;
  out.secret = secret;
  get(node, "name", out.name);
  get(node, "key", out.key);
  get(node, "optional", out.optional);
  return out;
}

FileKeyRef file_key_ref(const Node& node) {
  FileKeyRef out;
  get(node, "volumeName", out.volume);
  get(node, "path", out.path);
  get(node, "key", out.key);
  get(node, "optional", out.optional);
  return out;
}

}  // namespace

FieldRef decode_field_ref(const Node& node) {
  FieldRef out;
  get_word(node, "fieldPath", fields, out.field);
  std::string path;
  get(node, "fieldPath", path);
  const std::size_t open = path.find("['");
  if (open == std::string::npos || !path.ends_with("']")) return out;
  out.field = path.starts_with("metadata.labels") ? PodField::label : PodField::annotation;
  out.key = path.substr(open + 2, path.size() - open - 4);
  return out;
}

ResourceRef decode_resource_ref(const Node& node) {
  ResourceRef out;
  out.resource = ResourceName::other;
  get(node, "containerName", out.container);
  get_word(node, "resource", resources, out.resource);
  const bool cpu =
      out.resource == ResourceName::limit_cpu || out.resource == ResourceName::request_cpu;
  // Unset and 0 mean 1.
  auto divisor = get_quantity(node, "divisor").value_or(Quantity(1));
  if (divisor.sign() == 0) divisor = Quantity(1);
  out.divisor = (cpu ? divisor.milli_value() : divisor.value()).value_or(1);
  return out;
}

EnvVar decode_env(const Node& node) {
  EnvVar out;
  get(node, "name", out.name);
  get(node, "value", out.value);
  const auto from = [&out](ValueSource source) {
    out.from = std::make_shared<const ValueSource>(std::move(source));
  };
  in_map(node, "valueFrom", [&](const Node& source) {
    in_map(source, "configMapKeyRef", [&](const Node& ref) { from(key_ref(ref, false)); });
    in_map(source, "secretKeyRef", [&](const Node& ref) { from(key_ref(ref, true)); });
    in_map(source, "fieldRef", [&](const Node& ref) { from(decode_field_ref(ref)); });
    in_map(source, "resourceFieldRef", [&](const Node& ref) { from(decode_resource_ref(ref)); });
    in_map(source, "fileKeyRef", [&](const Node& ref) { from(file_key_ref(ref)); });
  });
  return out;
}

EnvFrom decode_env_from(const Node& node) {
  EnvFrom out;
  get(node, "prefix", out.prefix);
  const auto read = [&out](const Node& ref) {
    get(ref, "name", out.name);
    get(ref, "optional", out.optional);
  };
  in_map(node, "configMapRef", read);
  in_map(node, "secretRef", [&](const Node& ref) {
    out.secret = true;
    read(ref);
  });
  return out;
}

}  // namespace pausa::pod
