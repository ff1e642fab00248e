#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

std::vector<std::string_view> names_in(const Value& list) {
  std::vector<std::string_view> names;
  for (const Value& item : list.items()) names.push_back(item["name"].text());
  return names;
}

bool climbs(std::string_view path) {
  for (;;) {
    const std::size_t slash = path.find('/');
    if (path.substr(0, slash) == "..") return true;
    if (slash == std::string_view::npos) return false;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

PodFacts::PodFacts(const Value& spec)
    : volume_names(names_in(spec["volumes"])),
      volumes(volume_names.begin(), volume_names.end()),
      host_network(spec["hostNetwork"].truth().value_or(false)),
      private_users(!spec["hostUsers"].truth().value_or(true)),
      windows(spec["os"]["name"].is("windows")),
      names_os(spec["os"].present()),
      has_service_account(!spec["serviceAccountName"].text().empty() ||
                          !spec["serviceAccount"].text().empty()),
      grace_seconds(spec["terminationGracePeriodSeconds"].integer().value_or(30)) {
  for (const std::string_view name : names_in(spec["resourceClaims"])) resource_claims.insert(name);
}

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return contains(Names(names), name);
}

bool contains(const std::unordered_set<std::string_view>& names, std::string_view name) {
  return names.find(name) != names.end();
}

std::string between(std::int64_t low, std::int64_t high) {
  return "must be between " + std::to_string(low) + " and " + std::to_string(high) + ", inclusive";
}

void add_faults(const Value& at, const Faults& faults, Findings& findings) {
  for (const std::string& fault : faults) findings.invalid(at, fault);
}

void check_choice(const Value& at, Names supported, Findings& findings) {
  if (at.present() && !contains(supported, at.text())) findings.unsupported(at, supported);
}

void check_range(const Value& at, std::int64_t low, std::int64_t high, Findings& findings) {
  const auto number = at.integer();
  if (number && (*number < low || *number > high)) findings.invalid(at, between(low, high));
}

void check_at_least_zero(const Value& at, Findings& findings) {
  if (at.integer().value_or(0) < 0) findings.invalid(at, "must be greater than or equal to 0");
}

bool check_required(const Value& at, Findings& findings) {
  if (!at.text().empty()) return true;
  findings.required(at);
  return false;
}

void check_object_name(const Value& at, Findings& findings) {
  if (check_required(at, findings)) add_faults(at, dns_subdomain_faults(at.text()), findings);
}

void check_file_mode(const Value& at, Findings& findings) {
  const auto mode = at.integer();
  if (mode && (*mode < 0 || *mode > 0777))
    findings.invalid(at, "must be a number between 0 and 0777 (octal), both inclusive");
}

void check_relative_path(const Value& at, Findings& findings) {
  if (at.text().starts_with('/')) findings.invalid(at, "must be a relative path");
  if (climbs(at.text())) findings.invalid(at, "must not contain '..'");
}

void check_free_relative_path(const Value& at, Findings& findings) {
  check_relative_path(at, findings);
  const std::string_view path = at.text();
  // A path that begins with ".." but does not climb: kept for the links of atomic updates.
  if (path.starts_with("..") && !path.starts_with("../"))
    findings.invalid(at, "must not start with '..'");
}

void check_straight_path(const Value& at, Findings& findings) {
  if (check_required(at, findings) && climbs(at.text()))
    findings.invalid(at, "must not contain '..'");
}

void check_host_path(const Value& source, Findings& findings) {
  static constexpr std::string_view types[] = {
      "",     "BlockDevice",  "CharDevice", "Directory", "DirectoryOrCreate",
      "File", "FileOrCreate", "Socket"};
  check_straight_path(source["path"], findings);
  check_choice(source["type"], types, findings);
}

}  // namespace pausa::pod
