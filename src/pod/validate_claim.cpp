// Claims: those that stand alone, and the template of an ephemeral volume.
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view access_modes[] = {"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
                                             "ReadWriteOncePod"};
constexpr std::string_view volume_modes[] = {"Block", "Filesystem"};

void check_template_metadata(const Value& metadata, Findings& findings) {
  check_labels(metadata["labels"], findings);
  check_annotations(metadata["annotations"], findings);
  if (!metadata.present() || !metadata.node()->is_map()) return;
  for (const Entry& entry : metadata.node()->entries)
    if (entry.key != "labels" && entry.key != "annotations" && metadata[entry.key].present() &&
        metadata[entry.key].shown() != "\"\"")
      findings.forbidden(metadata[entry.key], "cannot be set");
}

void check_storage(const Value& resources, Findings& findings) {
  const Value storage = resources["requests"].key("storage");
  const auto amount = storage.quantity();
  if (!storage.present())
    findings.required(storage);
  else if (amount && amount->sign() <= 0)
    findings.invalid(storage, quoted(amount->canonical()), "must be greater than zero");
}

void check_data_source(const Value& source, Findings& findings) {
  if (!source.present()) return;
  check_required(source["name"], findings);
  const Value kind = source["kind"];
  const Value group = source["apiGroup"];
  check_required(kind, findings);
  if (group.text().empty() && !kind.is("PersistentVolumeClaim"))
    findings.invalid(source, kind.present() ? kind.shown() : "\"\"",
                     "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  if (!group.text().empty()) add_faults(group, dns_subdomain_faults(group.text()), findings);
}

bool same_source(const Value& a, const Value& b) {
  for (const std::string_view field : {"apiGroup", "kind", "name", "namespace"})
    if (a[field].text() != b[field].text()) return false;
  return true;
}

}  // namespace

void check_access_modes(const Value& modes, Findings& findings) {
  if (modes.size() == 0) {
    findings.required(modes, "at least 1 access mode is required");
    return;
  }
  bool single_pod = false;
  for (const Value& mode : modes.items()) {
    if (!contains(access_modes, mode.text())) findings.unsupported(modes, access_modes);
    single_pod = single_pod || mode.is("ReadWriteOncePod");
  }
  if (single_pod && modes.size() > 1)
    findings.forbidden(modes, "may not use ReadWriteOncePod with other access modes");
}

void check_claim_spec(const Value& spec, Findings& findings) {
  check_access_modes(spec["accessModes"], findings);
  check_label_selector(spec["selector"], findings);
  check_storage(spec["resources"], findings);
  for (const std::string_view field : {"storageClassName", "volumeAttributesClassName"})
    if (!spec[field].text().empty())
      add_faults(spec[field], dns_subdomain_faults(spec[field].text()), findings);
  check_choice(spec["volumeMode"], volume_modes, findings);
  const Value source = spec["dataSource"];
  const Value reference = spec["dataSourceRef"];
  check_data_source(source, findings);
  check_data_source(reference, findings);
  if (source.present() && reference.present() && !same_source(source, reference))
    findings.invalid(spec, "must match dataSourceRef");
}

void check_claim_template(const Value& claim, Findings& findings) {
  if (!claim.present()) {
    findings.required(claim);
    return;
  }
  check_template_metadata(claim["metadata"], findings);
  check_claim_spec(claim["spec"], findings);
}

}  // namespace pausa::pod
