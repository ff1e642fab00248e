// Tolerations, spreading, gates and claims: without effect on one machine, and checked all the
// same, since the manifest is to work on a cluster unchanged.
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view toleration_operators[] = {"Equal", "Exists"};
constexpr std::string_view gated_operators[] = {"Equal", "Exists", "Lt", "Gt"};
constexpr std::string_view taint_effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute"};
constexpr std::string_view unsatisfiable[] = {"DoNotSchedule", "ScheduleAnyway"};
constexpr std::string_view spread_policies[] = {"Honor", "Ignore"};
constexpr std::string_view preemption_policies[] = {"PreemptLowerPriority", "Never"};

void check_toleration(const Value& toleration, Findings& findings) {
  const Value key = toleration["key"];
  const Value op = toleration["operator"];
  const Value value = toleration["value"];
  const Value effect = toleration["effect"];
  if (!key.text().empty())
    add_faults(key, qualified_name_faults(key.text()), findings);
  else if (!op.is("Exists"))
    findings.invalid(op,
                     "operator must be Exists when `key` is empty, which means \"match all values "
                     "and all keys\"");
  if (toleration["tolerationSeconds"].present() && !effect.is("NoExecute"))
    findings.invalid(effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  if (op.text().empty() || op.is("Equal")) {
    for (const std::string& fault : label_value_faults(value.text()))
      findings.invalid(op, value.shown(), fault);
  } else if (op.is("Exists")) {
    if (!value.text().empty())
      findings.invalid(op, value.shown(), "value must be empty when `operator` is 'Exists'");
  } else if (contains(gated_operators, op.text())) {
    findings.unsupported(op, gated_operators);  // behind a feature gate that is off by default
  } else {
    findings.unsupported(op, toleration_operators);
  }
  if (!effect.text().empty()) check_choice(effect, taint_effects, findings);
}

void check_above_zero(const Value& at, Findings& findings) {
  if (at.present() && at.integer().value_or(1) <= 0)
    findings.invalid(at, "must be greater than zero");
}

void check_constraint(const Value& constraint, Findings& findings) {
  const Value skew = constraint["maxSkew"];
  if (skew.present())
    check_above_zero(skew, findings);
  else
    findings.invalid(skew, "0", "must be greater than zero");
  if (constraint["topologyKey"].text().empty())
    findings.required(constraint["topologyKey"], "can not be empty");
  else
    add_faults(constraint["topologyKey"], qualified_name_faults(constraint["topologyKey"].text()),
               findings);
  const Value when = constraint["whenUnsatisfiable"];
  if (!contains(unsatisfiable, when.text())) findings.unsupported(when, unsatisfiable);
  const Value domains = constraint["minDomains"];
  check_above_zero(domains, findings);
  if (domains.present() && !when.is("DoNotSchedule"))
    findings.invalid(domains, "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not " +
                                  std::string(when.text()));
  check_choice(constraint["nodeAffinityPolicy"], spread_policies, findings);
  check_choice(constraint["nodeTaintsPolicy"], spread_policies, findings);
  check_label_selector(constraint["labelSelector"], findings);
}

void check_gates(const Value& spec, Findings& findings) {
  for (const Value& gate : spec["readinessGates"].items()) {
    const Value type = gate["conditionType"];
    add_faults(type, qualified_name_faults(type.text()), findings);
  }
  Seen seen;
  for (const Value& gate : spec["schedulingGates"].items()) {
    const Value name = gate["name"];
    const Faults faults = qualified_name_faults(name.text());
    for (const std::string& fault : faults)
      findings.invalid(gate, name.present() ? name.shown() : "\"\"", fault);
    if (!seen.add(name.text())) findings.duplicate(gate, quoted(name.text()));
  }
}

void check_claim(const Value& claim, Seen& seen, Findings& findings) {
  const Value name = claim["name"];
  if (check_required(name, findings)) {
    if (!seen.add(name.text()))
      findings.duplicate(name);
    else
      add_faults(name, dns_label_faults(name.text()), findings);
  }
  int kinds = 0;
  for (const std::string_view field : {"resourceClaimName", "resourceClaimTemplateName"}) {
    if (!claim[field].present()) continue;
    ++kinds;
    add_faults(claim[field], dns_subdomain_faults(claim[field].text()), findings);
  }
  if (kinds == 0)
    findings.invalid(claim,
                     "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`");
  if (kinds > 1)
    findings.invalid(claim,
                     "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be "
                     "specified");
}

}  // namespace

void check_spread(const Value& pod, Findings& findings) {
  std::vector<std::string> seen;
  for (const Value& constraint : pod["spec"]["topologySpreadConstraints"].items()) {
    check_constraint(constraint, findings);
    check_label_keys(constraint["matchLabelKeys"], constraint["labelSelector"],
                     pod["metadata"]["labels"], findings);
    const std::string pair = "{" + std::string(constraint["topologyKey"].text()) + ", " +
                             std::string(constraint["whenUnsatisfiable"].text()) + "}";
    if (std::find(seen.begin(), seen.end(), pair) != seen.end())
      findings.duplicate(constraint["{topologyKey, whenUnsatisfiable}"], pair);
    seen.push_back(pair);
  }
}

void check_resource_claims(const Value& pod, Findings& findings) {
  Seen seen;
  for (const Value& claim : pod["spec"]["resourceClaims"].items())
    check_claim(claim, seen, findings);
}

void check_scheduling(const Value& spec, Findings& findings) {
  for (const Value& toleration : spec["tolerations"].items())
    check_toleration(toleration, findings);
  check_labels(spec["nodeSelector"], findings);
  check_gates(spec, findings);
  check_choice(spec["preemptionPolicy"], preemption_policies, findings);
  for (const std::string_view field :
       {"nodeName", "serviceAccountName", "priorityClassName", "runtimeClassName"})
    if (!spec[field].text().empty())
      add_faults(spec[field], dns_subdomain_faults(spec[field].text()), findings);
}

}  // namespace pausa::pod
