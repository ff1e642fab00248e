// Volumes that name a storage driver of a cluster. None of them runs here; a manifest that is wrong
// on a cluster is wrong all the same.
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view caching_modes[] = {"None", "ReadOnly", "ReadWrite"};
constexpr std::string_view disk_kinds[] = {"Dedicated", "Managed", "Shared"};
constexpr std::string_view managed_disk_uri[] = {
    "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/"
    "{disk-id}"};
constexpr std::string_view blob_disk_uri[] = {
    "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"};

void check_texts(const Value& source, std::initializer_list<std::string_view> fields,
                 Findings& findings) {
  for (const std::string_view field : fields) check_required(source[field], findings);
}

void check_list(const Value& list, Findings& findings) {
  if (list.size() == 0) findings.required(list);
}

void check_secret_ref(const Value& ref, Findings& findings) {
  if (ref.present()) check_required(ref["name"], findings);
}

void check_git(const Value& source, Findings& findings) {
  check_required(source["repository"], findings);
  check_relative_path(source["directory"], findings);
}

void check_flocker(const Value& source, Findings& findings) {
  const Value name = source["datasetName"];
  const bool has_name = !name.text().empty();
  const bool has_id = !source["datasetUUID"].text().empty();
  if (!has_name && !has_id)
    findings.required(source, "one of datasetName and datasetUUID is required");
  if (has_name && has_id)
    findings.invalid(source, "\"resource\"",
                     "datasetName and datasetUUID can not be specified simultaneously");
  if (name.text().find('/') != std::string_view::npos)
    findings.invalid(name, "must not contain '/'");
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool all_alphanumeric(std::string_view text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), is_alphanumeric);
}

// "iqn.YYYY-MM.reversed.domain:name", "eui." and 16 or "naa." and 32 letters or digits.
bool is_iscsi_name(std::string_view name) {
  if (name.starts_with("eui.")) return all_alphanumeric(name.substr(4), 16);
  if (name.starts_with("naa.")) return all_alphanumeric(name.substr(4), 32);
  if (!name.starts_with("iqn.")) return false;
  name.remove_prefix(4);
  constexpr std::string_view date = "dddd-dd.";
  if (name.size() < date.size()) return false;
  for (std::size_t i = 0; i < date.size(); ++i)
    if (date[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != date[i]) return false;
  name.remove_prefix(date.size());
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == name.size()) return false;
  const std::string_view domain = name.substr(0, colon);
  return std::all_of(domain.begin(), domain.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; }) &&
         name.find_first_of(",;*&$| \t\n", colon) == std::string_view::npos;
}

void check_iscsi(const Value& source, Findings& findings) {
  check_required(source["targetPortal"], findings);
  const Value iqn = source["iqn"];
  if (check_required(iqn, findings) && !is_iscsi_name(iqn.text()))
    findings.invalid(iqn, "must be valid format");
  check_range(source["lun"], 0, 255, findings);
  const bool chap = source["chapAuthDiscovery"].truth().value_or(false) ||
                    source["chapAuthSession"].truth().value_or(false);
  if (chap && !source["secretRef"].present()) findings.required(source["secretRef"]);
  const Value initiator = source["initiatorName"];
  if (initiator.present() && !is_iscsi_name(initiator.text()))
    findings.invalid(initiator, "must be valid format");
}

void check_fc(const Value& source, Findings& findings) {
  const Value names = source["targetWWNs"];
  const bool has_ids = source["wwids"].size() > 0;
  if (names.size() == 0 && !has_ids)
    findings.required(names, "must specify either targetWWNs or wwids, but not both");
  if (names.size() > 0 && has_ids)
    findings.invalid(names, "targetWWNs and wwids can not be specified simultaneously");
  if (names.size() == 0) return;
  if (!source["lun"].present())
    findings.required(source["lun"], "lun is required if targetWWNs is specified");
  check_range(source["lun"], 0, 255, findings);
}

void check_quobyte(const Value& source, Findings& findings) {
  const Value registry = source["registry"];
  if (registry.text().empty()) {
    findings.required(registry, "must be a host:port pair or multiple pairs separated by commas");
  } else {
    std::string_view rest = registry.text();
    for (bool more = true; more;) {
      const std::size_t comma = rest.find(',');
      if (rest.substr(0, comma).find(':') == std::string_view::npos) {
        findings.invalid(registry,
                         "must be a host:port pair or multiple pairs separated by commas");
        break;
      }
      more = comma != std::string_view::npos;
      if (more) rest.remove_prefix(comma + 1);
    }
  }
  if (source["tenant"].text().size() >= 65)
    findings.required(source["tenant"],
                      "must be a UUID and may not exceed a length of 64 characters");
  check_required(source["volume"], findings);
}

void check_azure_disk(const Value& source, Findings& findings) {
  const Value uri = source["diskURI"];
  check_texts(source, {"diskName", "diskURI"}, findings);
  check_choice(source["cachingMode"], caching_modes, findings);
  check_choice(source["kind"], disk_kinds, findings);
  const bool managed = source["kind"].is("Managed");
  if (managed && !uri.text().starts_with("/subscriptions/"))
    findings.unsupported(uri, managed_disk_uri);
  if (!managed && !uri.text().empty() && !uri.text().starts_with("https://"))
    findings.unsupported(uri, blob_disk_uri);
}

void check_nfs(const Value& source, Findings& findings) {
  check_texts(source, {"server", "path"}, findings);
  const Value path = source["path"];
  if (!path.text().empty() && !path.text().starts_with('/'))
    findings.invalid(path, "must be an absolute path");
}

void check_csi(const Value& source, Findings& findings) {
  const Value driver = source["driver"];
  if (check_required(driver, findings)) {
    if (driver.text().size() > 63) findings.too_long(driver, 63);
    std::string lower(driver.text());
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    add_faults(driver, dns_subdomain_faults(lower), findings);
  }
  check_secret_ref(source["nodePublishSecretRef"], findings);
}

}  // namespace

void check_volume_driver(const Value& source, std::string_view kind, Findings& findings) {
  if (kind == "gitRepo") return check_git(source, findings);
  if (kind == "flocker") return check_flocker(source, findings);
  if (kind == "iscsi") return check_iscsi(source, findings);
  if (kind == "fc") return check_fc(source, findings);
  if (kind == "quobyte") return check_quobyte(source, findings);
  if (kind == "azureDisk") return check_azure_disk(source, findings);
  if (kind == "nfs") return check_nfs(source, findings);
  if (kind == "csi") return check_csi(source, findings);
  check_secret_ref(source["secretRef"], findings);
  if (kind == "awsElasticBlockStore" || kind == "gcePersistentDisk") {
    check_required(source[kind == "gcePersistentDisk" ? "pdName" : "volumeID"], findings);
    check_range(source["partition"], 0, 255, findings);
  } else if (kind == "glusterfs") {
    check_texts(source, {"endpoints", "path"}, findings);
  } else if (kind == "rbd") {
    check_list(source["monitors"], findings);
    check_required(source["image"], findings);
  } else if (kind == "cephfs") {
    check_list(source["monitors"], findings);
  } else if (kind == "cinder" || kind == "portworxVolume") {
    check_required(source["volumeID"], findings);
  } else if (kind == "azureFile") {
    check_texts(source, {"secretName", "shareName"}, findings);
  } else if (kind == "vsphereVolume") {
    check_required(source["volumePath"], findings);
  } else if (kind == "photonPersistentDisk") {
    check_required(source["pdID"], findings);
  } else if (kind == "scaleIO") {
    check_texts(source, {"gateway", "system", "volumeName"}, findings);
  } else if (kind == "storageos") {
    const Value name = source["volumeName"];
    if (check_required(name, findings)) add_faults(name, dns_label_faults(name.text()), findings);
  } else if (kind == "flexVolume") {
    check_required(source["driver"], findings);
  }
}

}  // namespace pausa::pod
