// Probes and hooks that an API server takes and that would fail each time.
#include "pod/our_rules.hpp"
#include "pod/rules.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

void check_named_port(const Value& container, const Value& port, Findings& findings) {
  const std::string_view name = port.text();
  if (name.empty()) return;
  const auto ports = container["ports"].items();
  if (std::any_of(ports.begin(), ports.end(),
                  [&](const Value& own) { return own["name"].is(name); }))
    return;
  findings.invalid(port, "must be the name of one of the container's ports");
}

// Names would have to be looked up by the host, for a connection from inside the pod.
void check_host(const Value& host, Findings& findings) {
  if (host.text().empty() || host.is("localhost") || ip_faults(host.text()).empty()) return;
  findings.invalid(host, "must be an IP address or localhost");
  findings.hint("for a virtual host leave it out and set the header Host in httpHeaders");
}

void check_handler(const Value& container, const Value& handler, Findings& findings) {
  for (const std::string_view kind : {"httpGet", "tcpSocket"}) {
    const Value action = handler[kind];
    if (!action.present()) continue;
    check_named_port(container, action["port"], findings);
    check_host(action["host"], findings);
  }
}

}  // namespace

void check_our_health_rules(const Value& container, Findings& findings) {
  for (const std::string_view probe : {"startupProbe", "livenessProbe", "readinessProbe"})
    check_handler(container, container[probe], findings);
  for (const std::string_view hook : {"postStart", "preStop"})
    check_handler(container, container["lifecycle"][hook], findings);
}

}  // namespace pausa::pod
