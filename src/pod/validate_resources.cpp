// Limits, requests and claims.
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::string_view huge_pages = "hugepages-";
constexpr std::string_view container_resources[] = {"cpu", "memory", "ephemeral-storage"};
constexpr std::string_view standard_resources[] = {"cpu",
                                                   "memory",
                                                   "ephemeral-storage",
                                                   "storage",
                                                   "pods",
                                                   "services",
                                                   "persistentvolumeclaims",
                                                   "replicationcontrollers",
                                                   "secrets",
                                                   "configmaps",
                                                   "resourcequotas",
                                                   "services.nodeports",
                                                   "requests.cpu",
                                                   "requests.memory",
                                                   "requests.ephemeral-storage",
                                                   "requests.storage",
                                                   "limits.cpu",
                                                   "limits.memory",
                                                   "limits.ephemeral-storage",
                                                   "services.loadbalancers"};
constexpr std::string_view pod_resources[] = {"cpu", "memory", "hugepages-"};

bool is_huge_page(std::string_view name) {
  return name.starts_with(huge_pages);
}

// Of Kubernetes itself, as against "example.com/device".
bool is_native(std::string_view name) {
  return name.find('/') == std::string_view::npos ||
         name.find("kubernetes.io/") != std::string_view::npos;
}

bool may_overcommit(std::string_view name) {
  return is_native(name) && !is_huge_page(name);
}

void check_resource_name(const Value& at, std::string_view name, Findings& findings) {
  const Faults faults = qualified_name_faults(name);
  for (const std::string& fault : faults) findings.invalid(at, quoted(name), fault);
  if (!faults.empty()) return;
  if (name.find('/') != std::string_view::npos) {
    if (!is_native(name) && name.starts_with("requests."))
      findings.invalid(at, quoted(name), "doesn't follow extended resource name standard");
    return;
  }
  if (!contains(standard_resources, name) && !is_huge_page(name) &&
      !name.starts_with("requests.hugepages-"))
    findings.invalid(at, quoted(name), "must be a standard resource type or fully qualified");
  if (!contains(container_resources, name) && !is_huge_page(name))
    findings.invalid(at, quoted(name), "must be a standard resource for containers");
}

void check_amount(const Value& at, std::string_view name, const Quantity& amount,
                  Findings& findings) {
  if (amount.sign() < 0)
    findings.invalid(at, quoted(amount.canonical()), "must be greater than or equal to 0");
  if (!is_native(name) && !amount.is_integer())
    findings.invalid(at, quoted(amount.canonical()), "must be an integer");
  if (!is_huge_page(name)) return;
  const auto page = parse_quantity(name.substr(huge_pages.size()));
  const std::int64_t page_bytes = page ? page->value().value_or(0) : 0;
  if (page_bytes <= 0 || amount.value().value_or(1) % page_bytes != 0)
    findings.invalid(
        at, quoted(amount.canonical()),
        "must be a multiple of the page size " + std::string(name.substr(huge_pages.size())));
}

void check_request(const Value& resources, std::string_view name, const Quantity& request,
                   Findings& findings) {
  const auto limit = resources["limits"].key(name).quantity();
  const Value requests = resources["requests"];
  if (!limit) {
    if (!may_overcommit(name))
      findings.required(resources["limits"], "Limit must be set for non overcommitable resources");
  } else if (request != *limit && !may_overcommit(name)) {
    findings.invalid(requests, quoted(request.canonical()),
                     "must be equal to " + std::string(name) + " limit of " + limit->canonical());
  } else if (request > *limit) {
    findings.invalid(
        requests, quoted(request.canonical()),
        "must be less than or equal to " + std::string(name) + " limit of " + limit->canonical());
  }
}

void check_claims(const Value& claims, const PodFacts& facts, Findings& findings) {
  std::vector<std::string> seen;
  for (const Value& claim : claims.items()) {
    const Value name = claim["name"];
    if (!check_required(name, findings)) continue;
    std::string full(name.text());
    if (const Value request = claim["request"]; !request.text().empty()) {
      add_faults(request, dns_label_faults(request.text()), findings);
      full += "/" + std::string(request.text());
    }
    if (std::find(seen.begin(), seen.end(), full) != seen.end())
      findings.duplicate(claim, quoted(full));
    seen.push_back(full);
    if (!contains(facts.resource_claims, name.text())) findings.not_found(name);
  }
}

// What is not asked for defaults to the limit.
std::optional<Quantity> requested(const Value& container, std::string_view name) {
  const Value resources = container["resources"];
  const auto request = resources["requests"].key(name).quantity();
  return request ? request : resources["limits"].key(name).quantity();
}

// What the pod's containers ask for at their most: all at once, or an init container with the
// sidecars before it.
Quantity aggregate_request(const Value& spec, std::string_view name) {
  Quantity sidecars(0);
  Quantity most(0);
  for (const Value& container : spec["initContainers"].items()) {
    const Quantity own = requested(container, name).value_or(Quantity(0));
    const Quantity now = sidecars.plus(own);
    if (container["restartPolicy"].text() == "Always") sidecars = now;
    most = std::max(most, now);
  }
  Quantity sum = sidecars;
  for (const Value& container : spec["containers"].items())
    sum = sum.plus(requested(container, name).value_or(Quantity(0)));
  return std::max(most, sum);
}

// The limits and requests of the whole pod against those of its containers.
void check_consistency(const Value& spec, Findings& findings) {
  const Value resources = spec["resources"];
  for (const std::string_view name : {"cpu", "memory"}) {
    const Quantity asked = aggregate_request(spec, name);
    const auto limit = resources["limits"].key(name).quantity();
    const Value at = resources["requests"].key(name);
    if (const auto request = at.quantity()) {
      if (asked > *request)
        findings.invalid(at, quoted(request->canonical()),
                         "must be greater than or equal to aggregate container requests of " +
                             asked.canonical());
    } else if (limit && !at.present() && asked > *limit) {
      // The pod's request defaults to what its containers ask for.
      findings.invalid(
          resources["requests"], quoted(asked.canonical()),
          "must be less than or equal to " + std::string(name) + " limit of " + limit->canonical());
    }
    if (!limit) continue;
    for (const Value& container : spec["containers"].items()) {
      const Value own = container["resources"]["limits"].key(name);
      if (const auto amount = own.quantity(); amount && *amount > *limit)
        findings.invalid(own, quoted(amount->canonical()),
                         "must be less than or equal to pod limits of " + limit->canonical());
    }
  }
}

}  // namespace

void check_resources(const Value& resources, const PodFacts& facts, Findings& findings) {
  if (!resources.present()) return;
  bool huge = false;
  bool plain = false;
  const auto note_kind = [&](std::string_view name) {
    huge = huge || is_huge_page(name);
    plain = plain || name == "cpu" || name == "memory";
  };
  const Value limits = resources["limits"];
  const Value requests = resources["requests"];
  for (const auto& [name, at] : limits.entries()) {
    check_resource_name(at, name, findings);
    if (const auto amount = at.quantity()) check_amount(at, name, *amount, findings);
    note_kind(name);
  }
  for (const auto& [name, at] : requests.entries()) {
    check_resource_name(at, name, findings);
    const auto amount = at.quantity();
    if (amount) check_amount(at, name, *amount, findings);
    if (amount) check_request(resources, name, *amount, findings);
    note_kind(name);
  }
  // A request that is not written defaults to the limit, and is judged as if it were.
  for (const auto& [name, limit] : limits.entries()) {
    if (requests.key(name).present()) continue;
    check_resource_name(requests.key(name), name, findings);
    if (const auto amount = limit.quantity())
      check_amount(requests.key(name), name, *amount, findings);
  }
  if (huge && !plain) findings.forbidden(resources, "HugePages require cpu or memory");
  check_claims(resources["claims"], facts, findings);
}

void check_pod_resources(const Value& spec, const PodFacts& facts, Findings& findings) {
  const Value resources = spec["resources"];
  if (!resources.present()) return;
  if (facts.windows) {
    findings.forbidden(resources, "may not be set for a windows pod");
    return;
  }
  for (const std::string_view list : {"limits", "requests"})
    for (const auto& [name, at] : resources[list].entries())
      if (name != "cpu" && name != "memory" && !is_huge_page(name))
        findings.unsupported(at, pod_resources);
  check_resources(resources, facts, findings);
  check_consistency(spec, findings);
}

}  // namespace pausa::pod
