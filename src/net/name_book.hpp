// What is known by name on the bridge: one small file for each name below "svc.cluster.local", so
// that whoever is asked answers with one open and one read, and nobody keeps it in memory.
//
//   FOLDER/names/pods/web.default            a pod, as long as it has its address
//   FOLDER/names/services/db.default         a Service
//   FOLDER/names/services/10.87.0.5          … by its address
//
// Lines: "A ADDRESS" (of either family), "CNAME NAME", "SRV PORT-NAME PROTOCOL PORT TARGET", "PTR
// NAME"; of a pod before them "OWNER UID" and "ALSO FILE", its other name, which several pods may
// share: then their parts stand one after the other. Files are replaced, never changed.
#pragma once

#include "net/address.hpp"
#include "net/dns_message.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::net {

// Below which all of it is, and for how long an answer may be remembered.
inline constexpr std::string_view name_zone = "cluster.local";
inline constexpr std::uint32_t name_ttl_seconds = 5;

struct NameEntry {
  struct Srv {
    std::string port_name;
    std::string protocol;  // "tcp", "udp"
    std::uint16_t port = 0;
    std::string target;
  };
  std::vector<Address> addresses;
  std::string alias;
  std::string ptr;
  std::vector<Srv> srv;
};
NameEntry parse_name_entry(std::string_view text);

struct PodNames {
  std::string uid;
  std::string name;  // "web.default"
  std::string full;  // "front.shop.default" of a pod with a subdomain; else empty
  std::vector<std::string> addresses;
};

class NameBook {
 public:
  // folder: the bridge's (BridgeConfig::folder).
  explicit NameBook(const std::string& folder) : folder_(folder + "/names") {}

  void add(const PodNames& names) const;
  // Only what is of this pod.
  void remove(const std::string& uid, const std::string& name) const;

  // These and no others.
  void set_services(const std::map<std::string, std::string>& files) const;

  // Lines for /etc/hosts with all that is there now, where nobody can be asked. namespace_: of who
  // reads them.
  std::string hosts(const std::string& namespace_) const;

  // "db.default": a Service, else a pod.
  std::optional<NameEntry> find(std::string_view name) const;

 private:
  std::string folder_;
};

// What of a question is ours to answer; nullopt: others know. An alias that leads out of our names
// is the last record (CNAME): what it stands for is to be asked elsewhere.
std::optional<dns::Answer> answer_by_name(const dns::Query& query, const NameBook& book,
                                          const std::string& leases, const Pool& pool);

}  // namespace pausa::net
