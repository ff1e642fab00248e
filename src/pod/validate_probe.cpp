// Probes and lifecycle hooks.
#include "pod/rules.hpp"
#include "pod/schema.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view schemes[] = {"HTTP", "HTTPS"};

// A number from 1 to 65535, or the name of a port.
void check_port(const Value& port, Findings& findings) {
  if (port.node() && port.node()->is_string())
    return add_faults(port, port_name_faults(port.text()), findings);
  const std::int64_t number = port.integer().value_or(0);
  if (number < 1 || number > 65535)
    findings.invalid(port, port.present() ? port.shown() : "0", between(1, 65535));
}

void check_http(const Value& http, Findings& findings) {
  // An unset path is "/".
  if (http["path"].present()) check_required(http["path"], findings);
  check_port(http["port"], findings);
  check_choice(http["scheme"], schemes, findings);
  for (const Value& header : http["httpHeaders"].items())
    for (const std::string& fault : http_header_faults(header["name"].text()))
      findings.invalid(http["httpHeaders"], quoted(header["name"].text()), fault);
}

void check_sleep(const Value& sleep, const PodFacts& facts, Findings& findings) {
  const std::int64_t seconds = sleep["seconds"].integer().value_or(0);
  if (seconds < 0 || seconds > facts.grace_seconds)
    findings.invalid(sleep, std::to_string(seconds),
                     "must be non-negative and less than terminationGracePeriodSeconds (" +
                         std::to_string(facts.grace_seconds) + ")");
}

void check_handler(const Value& handler, const PodFacts& facts, Findings& findings) {
  int handlers = 0;
  for (const std::string_view kind : {"exec", "httpGet", "tcpSocket", "grpc", "sleep"}) {
    const Value action = handler[kind];
    if (!action.present()) continue;
    if (++handlers > 1) {
      findings.forbidden(action, "may not specify more than 1 handler type");
    } else if (kind == "exec") {
      if (action["command"].size() == 0) findings.required(action["command"]);
    } else if (kind == "httpGet") {
      check_http(action, findings);
    } else if (kind == "sleep") {
      check_sleep(action, facts, findings);
    } else {
      check_port(action["port"], findings);
    }
  }
  if (handlers == 0) findings.required(handler, "must specify a handler type");
}

void check_probe(const Value& probe, const PodFacts& facts, Findings& findings) {
  check_handler(probe, facts, findings);
  for (const std::string_view field : {"initialDelaySeconds", "timeoutSeconds", "periodSeconds",
                                       "successThreshold", "failureThreshold"})
    check_at_least_zero(probe[field], findings);
  const Value grace = probe["terminationGracePeriodSeconds"];
  if (grace.integer().value_or(1) <= 0) findings.invalid(grace, "must be greater than 0");
}

// Only readiness can need several successes; 0 is the default, 1.
void check_single_success(const Value& probe, Findings& findings) {
  const Value threshold = probe["successThreshold"];
  const std::int64_t successes = threshold.integer().value_or(1);
  if (successes != 0 && successes != 1) findings.invalid(threshold, "must be 1");
}

}  // namespace

void check_lifecycle(const Value& lifecycle, const PodFacts& facts, Findings& findings) {
  for (const std::string_view hook : {"postStart", "preStop"})
    if (lifecycle[hook].present()) check_handler(lifecycle[hook], facts, findings);
  check_choice(lifecycle["stopSignal"], schema::find_type("Lifecycle")->find("stopSignal")->values,
               findings);
}

void check_probes(const Value& container, const PodFacts& facts, Findings& findings) {
  if (const Value probe = container["livenessProbe"]; probe.present()) {
    check_probe(probe, facts, findings);
    check_single_success(probe, findings);
  }
  if (const Value probe = container["readinessProbe"]; probe.present()) {
    check_probe(probe, facts, findings);
    const Value grace = probe["terminationGracePeriodSeconds"];
    if (grace.present()) findings.invalid(grace, "must not be set for readinessProbes");
  }
  if (const Value probe = container["startupProbe"]; probe.present()) {
    check_probe(probe, facts, findings);
    check_single_success(probe, findings);
  }
}

}  // namespace pausa::pod
