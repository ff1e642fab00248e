// Volumes: the sources that a single machine has. The others are in validate_driver.cpp.
#include "pod/rules.hpp"
#include "pod/schema.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view pull_policies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view volume_fields[] = {"metadata.annotations", "metadata.labels",
                                              "metadata.name", "metadata.namespace",
                                              "metadata.uid"};
constexpr std::int64_t shortest_token_seconds = 600;
constexpr std::int64_t longest_token_seconds = std::int64_t{1} << 32;

void check_items(const Value& source, Findings& findings) {
  check_file_mode(source["defaultMode"], findings);
  for (const Value& item : source["items"].items()) check_key_to_path(item, findings);
}

void check_downward(const Value& source, Findings& findings) {
  check_file_mode(source["defaultMode"], findings);
  for (const Value& item : source["items"].items()) check_downward_file(item, findings);
}

void check_source(const Value& volume, std::string_view kind, const PodFacts& facts,
                  Findings& findings) {
  const Value source = volume[kind];
  if (kind == "emptyDir") {
    const auto limit = source["sizeLimit"].quantity();
    if (limit && limit->sign() < 0)
      findings.forbidden(source["sizeLimit"], "SizeLimit field must be a valid resource quantity");
  } else if (kind == "hostPath") {
    check_host_path(source, findings);
  } else if (kind == "secret") {
    check_required(source["secretName"], findings);
    check_items(source, findings);
  } else if (kind == "configMap") {
    check_required(source["name"], findings);
    check_items(source, findings);
  } else if (kind == "downwardAPI") {
    check_downward(source, findings);
  } else if (kind == "projected") {
    check_projected(source, facts, findings);
  } else if (kind == "image") {
    check_required(source["reference"], findings);
    check_choice(source["pullPolicy"], pull_policies, findings);
  } else if (kind == "persistentVolumeClaim") {
    check_required(source["claimName"], findings);
  } else if (kind == "ephemeral") {
    check_claim_template(source["volumeClaimTemplate"], findings);
  } else {
    check_volume_driver(source, kind, findings);
  }
}

void check_volume(const Value& volume, const PodFacts& facts, Findings& findings) {
  int sources = 0;
  for (const schema::Field& field : schema::find_type("Volume")->fields) {
    if (!field.type() || !volume[field.name].present()) continue;
    if (++sources > 1)
      findings.forbidden(volume[field.name], "may not specify more than 1 volume type");
    else
      check_source(volume, field.name, facts, findings);
  }
}

void check_token(const Value& token, const PodFacts& facts, Findings& findings) {
  if (!facts.has_service_account)
    findings.forbidden(token, "must not be specified when serviceAccountName is not set");
  const Value expiry = token["expirationSeconds"];
  const std::int64_t seconds = expiry.integer().value_or(shortest_token_seconds);
  if (seconds < shortest_token_seconds)
    findings.invalid(expiry, "may not specify a duration less than 10 minutes");
  if (seconds > longest_token_seconds)
    findings.invalid(expiry, "may not specify a duration larger than 2^32 seconds");
  if (check_required(token["path"], findings)) check_free_relative_path(token["path"], findings);
}

void check_projection(const Value& source, const PodFacts& facts, Findings& findings) {
  int kinds = 0;
  for (const std::string_view kind : {"secret", "configMap"}) {
    if (!source[kind].present()) continue;
    ++kinds;
    check_required(source[kind]["name"], findings);
    for (const Value& item : source[kind]["items"].items()) check_key_to_path(item, findings);
  }
  if (const Value downward = source["downwardAPI"]; downward.present()) {
    ++kinds;
    for (const Value& item : downward["items"].items()) check_downward_file(item, findings);
  }
  if (const Value token = source["serviceAccountToken"]; token.present()) {
    ++kinds;
    check_token(token, facts, findings);
  }
  if (const Value bundle = source["clusterTrustBundle"]; bundle.present()) {
    ++kinds;
    check_required(bundle["path"], findings);
  }
  if (kinds > 1) findings.forbidden(source, "may not specify more than 1 volume type per source");
}

}  // namespace

void check_key_to_path(const Value& item, Findings& findings) {
  check_required(item["key"], findings);
  if (check_required(item["path"], findings)) check_free_relative_path(item["path"], findings);
  check_file_mode(item["mode"], findings);
}

void check_downward_file(const Value& item, Findings& findings) {
  if (check_required(item["path"], findings)) check_free_relative_path(item["path"], findings);
  const Value field = item["fieldRef"];
  const Value resource = item["resourceFieldRef"];
  if (field.present()) {
    check_field_ref(field, volume_fields, findings);
    if (resource.present())
      findings.invalid(item, "\"resource\"",
                       "fieldRef and resourceFieldRef can not be specified simultaneously");
  } else if (resource.present()) {
    check_resource_field_ref(resource, true, findings);
  } else {
    findings.required(item, "one of fieldRef and resourceFieldRef is required");
  }
  check_file_mode(item["mode"], findings);
}

void check_projected(const Value& projected, const PodFacts& facts, Findings& findings) {
  check_file_mode(projected["defaultMode"], findings);
  for (const Value& source : projected["sources"].items())
    check_projection(source, facts, findings);
}

void check_volumes(const Value& spec, const PodFacts& facts, Findings& findings) {
  Seen seen;
  for (const Value& volume : spec["volumes"].items()) {
    check_volume(volume, facts, findings);
    const Value name = volume["name"];
    if (!check_required(name, findings)) continue;
    add_faults(name, dns_label_faults(name.text()), findings);
    if (!seen.add(name.text())) findings.duplicate(name);
  }
}

}  // namespace pausa::pod
