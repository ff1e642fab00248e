// The rules of Services: one nft table of their own, "pausa-services", which sends what comes for
// the address and port of a Service to one of the pods behind it. It is replaced as a whole, in one
// transaction, when it is to say something else. folder: what we remember of all bridges
// (BridgeConfig::folder).
#pragma once

#include "net/service_range.hpp"
#include "sys/fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace pausa::net {

struct ServiceRoute {
  std::string words;    // the Service and its port, for people
  std::string address;  // its own; node_port and targets are of its family
  std::uint16_t port = 0;
  std::uint16_t node_port = 0;  // 0: none
  bool udp = false;
  bool by_client = false;            // a client stays with its pod
  std::vector<std::string> targets;  // "10.86.0.7 . 8080"; none: it is refused

  bool is_v6() const { return address.find(':') != std::string::npos; }
  bool operator==(const ServiceRoute&) const = default;
};

// What nft(8) reads. range: of all Services' addresses: what nobody answers for is refused at once.
std::string service_rules(const std::string& table, const std::vector<std::string>& bridges,
                          const Pool& range, const std::vector<ServiceRoute>& routes);

// For a pod without a bridge: each route's address, one of 127.0.0.0/8, leads to the target's port
// of its loopback.
std::string loopback_rules(const std::vector<ServiceRoute>& routes);
// In the network of the caller. Throws sys::Error.
void apply_loopback_rules(const std::string& rules);

// The right to change them; held until it is destroyed. Makes the folder.
class ServicesLock {
 public:
  explicit ServicesLock(const std::string& folder);

 private:
  sys::UniqueFd file_;
};

// Makes the rules what they are to be; does nothing when they are. The lock must be held. Throws
// sys::Error: nft(8) is not there, or refuses.
void apply_services(const std::string& folder, const Pool& range,
                    const std::vector<ServiceRoute>& routes);
void remove_services(const std::string& folder);

}  // namespace pausa::net
