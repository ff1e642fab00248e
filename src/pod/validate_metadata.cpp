#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::size_t most_annotation_bytes = 256 * 1024;
// Of Kubernetes' 253: a pod's folder is named after namespace (up to 63 bytes) and pod, what a
// workload makes has some more, and so has what is written beside it; a file's name has 255.
constexpr std::size_t most_name_bytes = 150;

void check_name_text(const Value& name, std::string_view text, Findings& findings) {
  const Faults faults = dns_subdomain_faults(text);
  add_faults(name, faults, findings);
  if (faults.empty() && text.size() > most_name_bytes) findings.too_long(name, most_name_bytes);
}

void check_name(const Value& metadata, Findings& findings) {
  const Value name = metadata["name"];
  const Value prefix = metadata["generateName"];
  if (!prefix.text().empty()) {
    // A generated name ends in letters and digits, so the prefix may end in a hyphen.
    std::string stem(prefix.text());
    if (stem.size() > 1 && stem.ends_with('-')) stem.back() = 'a';
    check_name_text(prefix, stem, findings);
  }
  if (name.text().empty()) {
    if (prefix.text().empty()) findings.required(name, "name or generateName is required");
    return;
  }
  check_name_text(name, name.text(), findings);
}

}  // namespace

void check_annotations(const Value& annotations, Findings& findings) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations.entries()) {
    // Keys are compared without regard to case.
    std::string lower(key);
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    for (const std::string& fault : qualified_name_faults(lower))
      findings.invalid(annotations, quoted(key), fault);
    bytes += key.size() + value.text().size();
  }
  if (bytes > most_annotation_bytes) findings.too_long(annotations, most_annotation_bytes);
}

void check_labels(const Value& labels, Findings& findings) {
  for (const auto& [key, value] : labels.entries()) {
    for (const std::string& fault : qualified_name_faults(key))
      findings.invalid(labels, quoted(key), fault);
    for (const std::string& fault : label_value_faults(value.text()))
      findings.invalid(labels, quoted(value.text()), fault);
  }
}

void check_metadata(const Value& pod, Findings& findings) {
  const Value metadata = pod["metadata"];
  check_name(metadata, findings);
  const Value space = metadata["namespace"];
  if (!space.text().empty()) add_faults(space, dns_label_faults(space.text()), findings);
  check_labels(metadata["labels"], findings);
  check_annotations(metadata["annotations"], findings);
}

}  // namespace pausa::pod
