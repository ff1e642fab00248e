#include "net/service_range.hpp"

#include "net/bridge.hpp"
#include "net/netlink.hpp"
#include "net/routes.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>

#include <algorithm>

namespace pausa::net {
namespace {

constexpr std::size_t range_limit = 256;
constexpr const char* range_file = "range";

}  // namespace

std::string services_folder(const std::string& folder) {
  return folder + "/services";
}

std::optional<Subnet> known_service_range(const std::string& folder) {
  const std::string file = services_folder(folder) + "/" + range_file;
  const auto text = sys::read_file_at(AT_FDCWD, file, range_limit);
  return text ? parse_subnet(text->substr(0, text->find('\n'))) : std::nullopt;
}

Subnet service_range(const std::string& folder, const std::optional<Subnet>& wanted) {
  if (const auto known = known_service_range(folder)) return *known;
  std::vector<Subnet> taken;
  {
    Netlink netlink(NETLINK_ROUTE);
    taken = routed_ranges(netlink, 0);
  }
  for (const auto& name : known_bridges(folder))
    if (const auto pods = remembered_pool({name, folder, std::nullopt})) taken.push_back(pods->v4);
  std::optional<Subnet> range = wanted;
  const auto overlapped = [&taken](const Subnet& candidate) {
    return std::any_of(taken.begin(), taken.end(),
                       [&](const Subnet& other) { return other.overlaps(candidate); });
  };
  if (range && overlapped(*range)) {
    sys::Error error("the range " + to_text(*range) + " for Services is in use on this machine");
    error.advise("choose another one (PAUSA_SERVICE_SUBNET)");
    throw error;
  }
  for (const char* text : {"10.96.0.0/16", "10.196.0.0/16", "172.29.0.0/16", "192.168.196.0/24"}) {
    const auto usual = parse_subnet(text);
    if (!range && !overlapped(*usual)) range = usual;
  }
  if (!range) {
    sys::Error error("this machine's routes overlap all ranges that pausa knows for Services");
    error.advise("give one that is free: PAUSA_SERVICE_SUBNET=10.124.0.0/16");
    throw error;
  }
  const auto own = sys::make_dirs_at(AT_FDCWD, services_folder(folder), 0700);
  sys::replace_file_at(own.get(), range_file, to_text(*range) + "\n", 0600);
  return *range;
}

}  // namespace pausa::net
