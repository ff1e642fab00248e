// The kinds beside the Pod: ConfigMap, Secret, PersistentVolumeClaim, PersistentVolume, Namespace.
#include "pod/base64.hpp"
#include "pod/object.hpp"
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::size_t most_data_bytes = 1U << 20U;
constexpr std::string_view reclaim_policies[] = {"Delete", "Recycle", "Retain"};
constexpr std::string_view volume_modes[] = {"Block", "Filesystem"};
constexpr std::string_view drivers[] = {"awsElasticBlockStore",
                                        "azureDisk",
                                        "azureFile",
                                        "cephfs",
                                        "cinder",
                                        "csi",
                                        "fc",
                                        "flexVolume",
                                        "flocker",
                                        "gcePersistentDisk",
                                        "glusterfs",
                                        "iscsi",
                                        "nfs",
                                        "photonPersistentDisk",
                                        "portworxVolume",
                                        "quobyte",
                                        "rbd",
                                        "scaleIO",
                                        "storageos",
                                        "vsphereVolume"};

// What a Secret of a type must hold (its "type" is otherwise free text).
struct SecretType {
  std::string_view type;
  std::string_view key;
};
constexpr SecretType secret_types[] = {{"kubernetes.io/dockercfg", ".dockercfg"},
                                       {"kubernetes.io/dockerconfigjson", ".dockerconfigjson"},
                                       {"kubernetes.io/ssh-auth", "ssh-privatekey"},
                                       {"kubernetes.io/tls", "tls.crt"},
                                       {"kubernetes.io/tls", "tls.key"}};

void check_object_metadata(const Value& object, ObjectKind kind, Findings& findings) {
  check_metadata(object, findings);
  const Value metadata = object["metadata"];
  const Value name = metadata["name"];
  if (name.text().empty() && !metadata["generateName"].text().empty())
    findings.required(name, "no names are made up here; write metadata.name");
  if (kind == ObjectKind::namespace_ && !name.text().empty() &&
      dns_subdomain_faults(name.text()).empty())
    add_faults(name, dns_label_faults(name.text()), findings);
  if (!is_namespaced(kind) && !metadata["namespace"].text().empty())
    findings.forbidden(metadata["namespace"], "not allowed on this type");
}

// Keys and sizes; what is encoded is decoded. Gives the bytes.
std::size_t check_data(const Value& data, bool encoded, Findings& findings) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : data.entries()) {
    for (const std::string& fault : config_key_faults(key))
      findings.invalid(value, quoted(key), fault);
    if (!encoded || !value.node()->is_string()) {
      bytes += value.text().size();
      continue;
    }
    const auto decoded = from_base64(value.text());
    if (decoded) {
      bytes += decoded->size();
    } else {
      findings.invalid(value, {}, "must be base64");
      findings.hint(data.path() == "data" ? "plain text goes under stringData"
                                          : "plain text goes under data");
    }
  }
  return bytes;
}

void check_config_map(const Value& object, Findings& findings) {
  const Value data = object["data"];
  const Value binary = object["binaryData"];
  const std::size_t bytes = check_data(data, false, findings) + check_data(binary, true, findings);
  for (const auto& [key, value] : binary.entries())
    if (data.key(key).node())
      findings.invalid(value, quoted(key), "duplicate of key present in data");
  if (bytes > most_data_bytes) findings.too_long(object, most_data_bytes);
}

void check_secret(const Value& object, Findings& findings) {
  const Value data = object["data"];
  const Value plain = object["stringData"];
  const std::size_t bytes = check_data(data, true, findings) + check_data(plain, false, findings);
  if (bytes > most_data_bytes) findings.too_long(data, most_data_bytes);
  for (const SecretType& known : secret_types) {
    if (object["type"].text() != known.type) continue;
    if (!data.key(known.key).present() && !plain.key(known.key).present())
      findings.required(data.key(known.key));
  }
  if (object["type"].is("kubernetes.io/basic-auth")) {
    const auto has = [&](std::string_view key) {
      return data.key(key).present() || plain.key(key).present();
    };
    if (!has("username") && !has("password")) {
      findings.required(data.key("username"));
      findings.required(data.key("password"));
    }
  }
}

void check_claim(const Value& object, Findings& findings) {
  const Value spec = object["spec"];
  check_claim_spec(spec, findings);
  if (spec["volumeMode"].is("Block"))
    findings.forbidden(spec["volumeMode"],
                       "not supported by pausa: block volumes have no source here");
}

void check_volume_source(const Value& spec, Findings& findings) {
  int sources = 0;
  const auto count = [&](const Value& source) {
    if (!source.present()) return false;
    if (++sources > 1) findings.forbidden(source, "may not specify more than 1 volume type");
    return sources == 1;
  };
  if (const Value host = spec["hostPath"]; count(host)) check_host_path(host, findings);
  if (const Value local = spec["local"]; count(local)) check_straight_path(local["path"], findings);
  for (const std::string_view driver : drivers) (void)count(spec[driver]);
  if (sources == 0) findings.required(spec, "must specify a volume type");
}

void check_volume(const Value& object, Findings& findings) {
  const Value spec = object["spec"];
  check_access_modes(spec["accessModes"], findings);
  const Value storage = spec["capacity"].key("storage");
  const auto amount = storage.quantity();
  if (!storage.present())
    findings.required(spec["capacity"]);
  else if (amount && amount->sign() <= 0)
    findings.invalid(storage, quoted(amount->canonical()), "must be greater than zero");
  check_volume_source(spec, findings);
  check_choice(spec["persistentVolumeReclaimPolicy"], reclaim_policies, findings);
  check_choice(spec["volumeMode"], volume_modes, findings);
  if (spec["volumeMode"].is("Block"))
    findings.forbidden(spec["volumeMode"],
                       "not supported by pausa: block volumes have no source here");
  if (const Value name = spec["storageClassName"]; !name.text().empty())
    add_faults(name, dns_subdomain_faults(name.text()), findings);
}

}  // namespace

void check_object_rules(const Value& object, ObjectKind kind, Findings& findings) {
  check_object_metadata(object, kind, findings);
  switch (kind) {
    case ObjectKind::config_map:
      return check_config_map(object, findings);
    case ObjectKind::secret:
      return check_secret(object, findings);
    case ObjectKind::claim:
      return check_claim(object, findings);
    case ObjectKind::volume:
      return check_volume(object, findings);
    case ObjectKind::namespace_:
      return;
    case ObjectKind::service:
      return check_service(object, findings);
    case ObjectKind::network_policy:
      return check_network_policy(object, findings);
  }
}

}  // namespace pausa::pod
