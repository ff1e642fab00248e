#include "supervisor/own_services.hpp"

#include "net/services.hpp"
#include "supervisor/helper_child.hpp"
#include "supervisor/services.hpp"
#include "sys/error.hpp"

#include <sched.h>

#include <algorithm>

namespace pausa::supervisor {

OwnServices own_services(const state::Store& store, const pod::Pod& pod) {
  const auto& namespace_ = pod.metadata.namespace_;
  if (!has_services(store, namespace_)) return {};
  pod::EndpointPod self;
  for (const auto& container : pod.spec.containers)
    self.ports.insert(self.ports.end(), container.ports.begin(), container.ports.end());
  OwnServices own;
  std::vector<net::ServiceRoute> routes;
  unsigned others = 0;
  for (const auto& object : all_services(store)) {
    const auto& service = *object.service;
    if (object.metadata.namespace_ != namespace_ || !service.selects(pod.metadata.labels)) continue;
    const bool same_ports = std::all_of(
        service.ports.begin(), service.ports.end(),
        [&self](const auto& port) { return pod::target_port(port, self) == port.port; });
    std::string address = "127.0.0.1";
    if (!same_ports && !service.headless) {
      ++others;
      address = "127.96." + std::to_string(others / 256) + "." + std::to_string(others % 256);
      for (const auto& port : service.ports)
        if (const auto target = pod::target_port(port, self); target != 0) {
          auto& route = routes.emplace_back();
          route.address = address;
          route.port = port.port;
          route.udp = port.protocol == pod::Protocol::udp;
          route.targets.push_back("127.0.0.1 . " + std::to_string(target));
        }
    }
    own.addresses.emplace_back(object.metadata.name, address);
    const std::string name = domain_of(object.metadata);
    own.hosts +=
        address + "\t" + full_name(name) + "\t" + name + "\t" + object.metadata.name + "\n";
  }
  if (!routes.empty()) own.rules = net::loopback_rules(routes);
  return own;
}

void add_service_variables(const state::Store& store, const pod::Pod& pod, bool own,
                           pod::KeyValues& out) {
  const auto& namespace_ = pod.metadata.namespace_;
  if (!has_services(store, namespace_)) return;
  const auto addresses = own ? own_services(store, pod).addresses : pod::KeyValues();
  pod::KeyValues variables;
  for (const auto& object : all_services(store)) {
    if (object.metadata.namespace_ != namespace_) continue;
    auto service = *object.service;
    const auto* address = pod::find_value(addresses, object.metadata.name);
    if (address != nullptr && service.has_address()) service.cluster_ips = {*address};
    pod::add_service_links(object.metadata.name, service, variables);
  }
  for (auto& variable : variables)
    if (pod::find_value(out, variable.first) == nullptr) out.push_back(std::move(variable));
}

void apply_own_services(const std::string& rules, int pidfd) {
  (void)do_in_child("lead Services to the pod's ports", std::vector<int>{pidfd}, [&] {
    sys::check(::setns(pidfd, CLONE_NEWNET), "enter the pod's network");
    net::apply_loopback_rules(rules);
  });
}

}  // namespace pausa::supervisor
