// The three lists of containers.
#include "pod/rules.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view pull_policies[] = {"Always", "IfNotPresent", "Never"};
constexpr std::string_view message_policies[] = {"File", "FallbackToLogsOnError"};
constexpr std::string_view restart_policies[] = {"Always", "Never", "OnFailure"};
constexpr std::string_view resize_resources[] = {"cpu", "memory"};
constexpr std::string_view resize_policies[] = {"NotRequired", "RestartContainer"};
constexpr std::string_view rule_actions[] = {"Restart", "RestartAllContainers"};
constexpr std::string_view rule_operators[] = {"In", "NotIn"};
constexpr std::size_t most_rules = 20;
constexpr std::size_t most_exit_codes = 255;

bool is_sidecar(const Value& container) {
  return container["restartPolicy"].is("Always");
}

void check_image(const Value& container, Findings& findings) {
  const Value image = container["image"];
  if (!check_required(image, findings)) return;
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const std::string_view text = image.text();
  if (blanks.find(text.front()) != std::string_view::npos ||
      blanks.find(text.back()) != std::string_view::npos)
    findings.invalid(image, "must not have leading or trailing whitespace");
}

void check_resize_policy(const Value& container, Role role, Findings& findings) {
  Seen seen;
  for (const Value& policy : container["resizePolicy"].items()) {
    const Value resource = policy["resourceName"];
    const Value restart = policy["restartPolicy"];
    if (!seen.add(resource.text())) findings.duplicate(policy, resource.shown());
    if (check_required(resource, findings)) check_choice(resource, resize_resources, findings);
    if (check_required(restart, findings)) check_choice(restart, resize_policies, findings);
    if (role == Role::init && !is_sidecar(container) && restart.is("RestartContainer"))
      findings.invalid(restart,
                       "must not be set to 'RestartContainer' for non-sidecar initContainers");
  }
}

void check_restart_rule(const Value& rule, Findings& findings) {
  const Value action = rule["action"];
  if (check_required(action, findings)) check_choice(action, rule_actions, findings);
  const Value codes = rule["exitCodes"];
  if (!codes.present()) {
    findings.required(codes, "must be specified");
    return;
  }
  if (check_required(codes["operator"], findings))
    check_choice(codes["operator"], rule_operators, findings);
  if (codes["values"].size() > most_exit_codes) findings.too_many(codes["values"], most_exit_codes);
}

void check_restart_policy(const Value& container, Findings& findings) {
  const Value policy = container["restartPolicy"];
  check_choice(policy, restart_policies, findings);
  const Value rules = container["restartPolicyRules"];
  if (rules.size() == 0) return;
  if (!policy.present())
    findings.required(policy, "must specify restartPolicy when restart rules are used");
  if (rules.size() > most_rules) findings.too_many(rules, most_rules);
  for (const Value& rule : rules.items()) check_restart_rule(rule, findings);
}

void check_common(const Value& container, Role role, const PodFacts& facts, Findings& findings) {
  const Value name = container["name"];
  if (check_required(name, findings)) add_faults(name, dns_label_faults(name.text()), findings);
  check_image(container, findings);
  check_choice(container["terminationMessagePolicy"], message_policies, findings);
  check_ports(container["ports"], findings);
  check_env(container, findings);
  check_mounts(container, facts, findings);
  check_choice(container["imagePullPolicy"], pull_policies, findings);
  if (role != Role::ephemeral) check_resources(container["resources"], facts, findings);
  check_resize_policy(container, role, findings);
  check_security_context(container["securityContext"], facts, findings);
}

// Host ports may be used once for each protocol and address. Under hostNetwork an unset host port
// is the container's.
class HostPorts {
 public:
  explicit HostPorts(bool host_network) : host_network_(host_network) {}

  void add(const Value& container, Findings& findings) {
    for (const Value& port : container["ports"].items()) {
      const std::int64_t number = host_port(port);
      if (number == 0) continue;
      const Value protocol = port["protocol"];
      const std::string key = std::string(protocol.present() ? protocol.text() : "TCP") + "/" +
                              std::string(port["hostIP"].text()) + "/" + std::to_string(number);
      if (!seen_.insert(key).second) findings.duplicate(port["hostPort"], quoted(key));
    }
  }

 private:
  std::int64_t host_port(const Value& port) const {
    const std::int64_t number = port["hostPort"].integer().value_or(0);
    return number == 0 && host_network_ ? port["containerPort"].integer().value_or(0) : number;
  }

  bool host_network_;
  std::unordered_set<std::string> seen_;
};

void check_host_network_ports(const Value& container, const PodFacts& facts, Findings& findings) {
  if (!facts.host_network) return;
  for (const Value& port : container["ports"].items()) {
    const Value host = port["hostPort"];
    const std::int64_t number = host.integer().value_or(0);
    if (number != 0 && number != port["containerPort"].integer().value_or(0))
      findings.invalid(host, "must match `containerPort` when `hostNetwork` is true");
  }
}

void check_unique_name(const Value& container, Seen& seen, Findings& findings) {
  const Value name = container["name"];
  if (name.text().empty()) return;
  if (!seen.add(name.text())) findings.duplicate(name);
}

void check_init_container(const Value& container, const PodFacts& facts, Findings& findings) {
  if (is_sidecar(container)) {
    check_lifecycle(container["lifecycle"], facts, findings);
    check_probes(container, facts, findings);
    return;
  }
  for (const std::string_view field :
       {"lifecycle", "livenessProbe", "readinessProbe", "startupProbe"})
    if (container[field].present())
      findings.forbidden(container[field],
                         "may not be set for init containers without restartPolicy=Always");
}

void check_target(const Value& target, const Value& spec, Findings& findings) {
  if (target.text().empty()) return;
  for (const std::string_view list : {"containers", "initContainers"})
    for (const Value& container : spec[list].items())
      if (container["name"].is(target.text())) return;
  findings.not_found(target);
}

void check_ephemeral_containers(const Value& spec, const PodFacts& facts, Seen& names,
                                Findings& findings) {
  const Value list = spec["ephemeralContainers"];
  for (const Value& container : list.items()) {
    check_common(container, Role::ephemeral, facts, findings);
    check_unique_name(container, names, findings);
    check_target(container["targetContainerName"], spec, findings);
    for (const std::string_view field : {"ports", "resources", "livenessProbe", "readinessProbe",
                                         "startupProbe", "lifecycle", "restartPolicy"})
      if (container[field].present() && (container[field].size() > 0 || field == "restartPolicy"))
        findings.forbidden(container[field], "cannot be set for an Ephemeral Container");
  }
  if (list.size() > 0) findings.forbidden(list, std::string(refused_on_create));
}

}  // namespace

void check_all_containers(const Value& spec, const PodFacts& facts, Findings& findings) {
  const Value containers = spec["containers"];
  if (containers.size() == 0) findings.required(containers);
  Seen names;
  HostPorts host_ports(facts.host_network);
  for (const Value& container : containers.items()) {
    check_common(container, Role::regular, facts, findings);
    check_unique_name(container, names, findings);
    check_lifecycle(container["lifecycle"], facts, findings);
    check_probes(container, facts, findings);
    check_restart_policy(container, findings);
    check_host_network_ports(container, facts, findings);
    host_ports.add(container, findings);
  }
  for (const Value& container : spec["initContainers"].items()) {
    check_common(container, Role::init, facts, findings);
    check_unique_name(container, names, findings);
    check_init_container(container, facts, findings);
    check_restart_policy(container, findings);
    HostPorts(facts.host_network).add(container, findings);  // they run one at a time
  }
  check_ephemeral_containers(spec, facts, names, findings);
}

}  // namespace pausa::pod
