// Affinity, and the selectors that it shares with spreading.
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

void check_set_operator(const Value& requirement, Findings& findings) {
  const Value op = requirement["operator"];
  const Value values = requirement["values"];
  if (op.is("In") || op.is("NotIn")) {
    if (values.size() == 0)
      findings.required(values, "must be specified when `operator` is 'In' or 'NotIn'");
  } else if (op.is("Exists") || op.is("DoesNotExist")) {
    if (values.size() > 0)
      findings.forbidden(values,
                         "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  } else {
    findings.invalid(op, "not a valid selector operator");
  }
}

void check_node_expression(const Value& requirement, Findings& findings) {
  const Value op = requirement["operator"];
  const Value values = requirement["values"];
  if (op.is("Gt") || op.is("Lt")) {
    if (values.size() != 1)
      findings.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'");
  } else {
    check_set_operator(requirement, findings);
  }
  const Value key = requirement["key"];
  add_faults(key, qualified_name_faults(key.text()), findings);
  for (const Value& value : values.items())
    add_faults(value, label_value_faults(value.text()), findings);
}

void check_node_field(const Value& requirement, Findings& findings) {
  const Value op = requirement["operator"];
  const Value values = requirement["values"];
  if (!op.is("In") && !op.is("NotIn"))
    findings.invalid(op, "not a valid selector operator");
  else if (values.size() != 1)
    findings.required(values,
                      "must be only one value when `operator` is 'In' or 'NotIn' for node field "
                      "selector");
  const Value key = requirement["key"];
  if (!key.is("metadata.name")) {
    findings.invalid(key, "not a valid field selector key");
    return;
  }
  for (const Value& value : values.items())
    add_faults(value, dns_subdomain_faults(value.text()), findings);
}

void check_node_term(const Value& term, Findings& findings) {
  for (const Value& requirement : term["matchExpressions"].items())
    check_node_expression(requirement, findings);
  for (const Value& requirement : term["matchFields"].items())
    check_node_field(requirement, findings);
}

void check_weight(const Value& weight, Findings& findings) {
  const std::int64_t number = weight.integer().value_or(0);
  if (number < 1 || number > 100)
    findings.invalid(weight, std::to_string(number), "must be in the range 1-100");
}

void check_node_affinity(const Value& affinity, Findings& findings) {
  const Value required = affinity["requiredDuringSchedulingIgnoredDuringExecution"];
  if (required.present()) {
    const Value terms = required["nodeSelectorTerms"];
    if (terms.size() == 0) findings.required(terms, "must have at least one node selector term");
    for (const Value& term : terms.items()) check_node_term(term, findings);
  }
  for (const Value& preferred :
       affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()) {
    check_weight(preferred["weight"], findings);
    check_node_term(preferred["preference"], findings);
  }
}

void check_pod_term(const Value& term, const Value& labels, Findings& findings) {
  const Value selector = term["labelSelector"];
  check_label_selector(selector, findings);
  check_label_selector(term["namespaceSelector"], findings);
  const Value keys = term["matchLabelKeys"];
  const Value others = term["mismatchLabelKeys"];
  check_label_keys(keys, selector, labels, findings);
  check_label_keys(others, selector, labels, findings);
  for (const Value& key : keys.items())
    for (const Value& other : others.items())
      if (key.text() == other.text())
        findings.invalid(key, "exists in both matchLabelKeys and mismatchLabelKeys");
  for (const Value& space : term["namespaces"].items())
    add_faults(space, dns_label_faults(space.text()), findings);
  const Value topology = term["topologyKey"];
  if (topology.text().empty()) findings.required(topology, "can not be empty");
  add_faults(topology, qualified_name_faults(topology.text()), findings);
}

void check_pod_affinity(const Value& affinity, const Value& labels, Findings& findings) {
  for (const Value& term : affinity["requiredDuringSchedulingIgnoredDuringExecution"].items())
    check_pod_term(term, labels, findings);
  for (const Value& weighted :
       affinity["preferredDuringSchedulingIgnoredDuringExecution"].items()) {
    check_weight(weighted["weight"], findings);
    check_pod_term(weighted["podAffinityTerm"], labels, findings);
  }
}

}  // namespace

void check_label_selector(const Value& selector, Findings& findings) {
  if (!selector.present()) return;
  check_labels(selector["matchLabels"], findings);
  for (const Value& requirement : selector["matchExpressions"].items()) {
    check_set_operator(requirement, findings);
    const Value key = requirement["key"];
    add_faults(key, qualified_name_faults(key.text()), findings);
    for (const Value& value : requirement["values"].items())
      add_faults(value, label_value_faults(value.text()), findings);
  }
}

void check_label_keys(const Value& keys, const Value& selector, const Value& pod_labels,
                      Findings& findings) {
  if (keys.size() > 0 && !selector.present())
    findings.forbidden(keys, "must not be specified when labelSelector is not set");
  for (const Value& key : keys.items()) {
    add_faults(key, qualified_name_faults(key.text()), findings);
    // The server adds an expression of its own for each key that the pod's labels have; only what
    // stands beside one expression is too much.
    int expressions = pod_labels.key(key.text()).present() ? 1 : 0;
    for (const Value& expression : selector["matchExpressions"].items())
      if (expression["key"].is(key.text()) && ++expressions > 1)
        findings.invalid(key, "exists in both matchLabelKeys and labelSelector");
  }
}

void check_affinity(const Value& pod, Findings& findings) {
  const Value affinity = pod["spec"]["affinity"];
  const Value labels = pod["metadata"]["labels"];
  if (!affinity.present()) return;
  check_node_affinity(affinity["nodeAffinity"], findings);
  check_pod_affinity(affinity["podAffinity"], labels, findings);
  check_pod_affinity(affinity["podAntiAffinity"], labels, findings);
}

}  // namespace pausa::pod
