// The rules of NetworkPolicies, in two nft tables of one name. What a guarded pod and its
// neighbours send each other is switched by the bridge, where conntrack has no say: the table of
// the family bridge therefore hands it to the host (its frames get the bridge's own hardware
// address), which routes it back. So all that a guarded pod sends and gets passes the table of the
// family inet, which judges it there. Both are replaced as a whole, in one transaction, when they
// are to say something else. folder: what we remember of all bridges (BridgeConfig::folder).
#pragma once

#include "net/bridge.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::net {

struct PolicyPorts {
  bool udp = false;
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  bool operator==(const PolicyPorts&) const = default;
};
struct PolicyBlock {
  std::string range;  // "10.0.0.0/8"
  std::vector<std::string> except;
};
// A port of one pod.
struct PolicyDoor {
  std::string address;
  bool udp = false;
  std::uint16_t port = 0;
};

// What one rule of a policy lets through.
struct PolicyAllow {
  bool everybody = false;
  std::vector<std::string> peers;  // addresses of pods, of either family
  std::vector<PolicyBlock> blocks;
  bool every_port = false;  // and every protocol
  std::vector<PolicyPorts> ports;
  std::vector<PolicyDoor> doors;  // ports by name: of those that are reached
};

// One direction of one policy.
struct PolicyChain {
  std::string words;  // for people
  bool egress = false;
  std::vector<PolicyAllow> allows;
};

struct PolicyPod {
  std::string interface;               // on the bridge
  std::vector<std::string> addresses;  // IPv4 first
  // Which of the chains hold for it; unset: it is not isolated so.
  std::optional<std::vector<std::size_t>> ingress, egress;

  bool is_guarded() const { return ingress || egress; }
};

struct PolicyBridge {
  std::string name;
  Pool pool;
  HardwareAddress hardware{};
};

// What nft(8) reads. pods: those that are guarded, and those that chains name as peers: the
// addresses of both are taken from their own interfaces only.
std::string policy_rules(const std::string& table, const std::vector<PolicyBridge>& bridges,
                         const std::vector<PolicyChain>& chains,
                         const std::vector<PolicyPod>& pods);

// The bridges that were made with this folder.
std::vector<PolicyBridge> policy_bridges(const std::string& folder);
// The folder of what policies need to be remembered; it is there as long as pods are guarded.
std::string policies_folder(const std::string& folder);
std::string policies_table(const std::string& folder);

// The right to change them; held until it is destroyed. Makes the folder.
class PoliciesLock {
 public:
  explicit PoliciesLock(const std::string& folder);

 private:
  sys::UniqueFd file_;
};

// In the network of the caller, with the lock held: makes the rules what they are to be; does
// nothing when they are. Throws sys::Error: nft(8) is not there, or the kernel cannot.
void apply_policies(const std::string& folder, const std::string& rules);
void remove_policies(const std::string& folder);

// ---- for connections that a supervisor forwards

// What may come to a pod, one rule a line, as it is written down for its supervisor. The ports are
// the pod's own.
std::string gate_text(const std::vector<PolicyAllow>& allows);
bool gate_admits(const std::string& text, bool udp, std::uint16_t port, const Address& client);
// Where that of a pod is; no file: everybody may come.
std::string gate_path(const std::string& folder, const std::string& uid);

}  // namespace pausa::net
