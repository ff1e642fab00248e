#include "net/service_range.hpp"

#include "net/bridge.hpp"
#include "net/netlink.hpp"
#include "net/probe.hpp"
#include "net/routes.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>

#include <algorithm>
#include <vector>

namespace pausa::net {
namespace {

constexpr std::size_t range_limit = 256;
constexpr const char* range_file = "range";
constexpr unsigned v6_prefix = 112;  // as many addresses as the usual ranges of IPv4

using Ranges = std::vector<Subnet>;

Ranges taken_ranges(const std::string& folder) {
  Netlink netlink(NETLINK_ROUTE);
  auto taken = routed_ranges(netlink, 0);
  for (const auto& name : known_bridges(folder)) {
    const auto pods = remembered_pool({name, folder, std::nullopt});
    if (!pods) continue;
    taken.push_back(pods->v4);
    if (pods->v6) taken.push_back(*pods->v6);
  }
  return taken;
}

bool overlaps_any(const Subnet& range, const Ranges& taken) {
  return std::any_of(taken.begin(), taken.end(),
                     [&range](const Subnet& other) { return other.overlaps(range); });
}

Subnet unless_taken(const Subnet& range, const Ranges& taken) {
  if (!overlaps_any(range, taken)) return range;
  sys::Error error("the range " + to_text(range) + " for Services is in use on this machine");
  error.advise("choose another one (PAUSA_SERVICE_SUBNET)");
  throw error;
}

Subnet usual_range(const Ranges& taken) {
  for (const char* text : {"10.96.0.0/16", "10.196.0.0/16", "172.29.0.0/16", "192.168.196.0/24"})
    if (const auto range = parse_subnet(text); !overlaps_any(*range, taken)) return *range;
  sys::Error error("this machine's routes overlap all ranges that pausa knows for Services");
  error.advise("give one that is free: PAUSA_SERVICE_SUBNET=10.124.0.0/16");
  throw error;
}

}  // namespace

std::string services_folder(const std::string& folder) {
  return folder + "/services";
}

std::optional<ServiceRangeWish> parse_service_ranges(const std::string& text) {
  constexpr unsigned widest = 8, narrowest = 28, widest_v6 = 32;
  ServiceRangeWish wish;
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto range = parse_subnet(text.substr(at, end - at));
    if (!range) return std::nullopt;
    const bool v6 = range->base.v6;
    auto& wanted = v6 ? wish.v6 : wish.v4;
    if (wanted || range->prefix < (v6 ? widest_v6 : widest) ||
        range->prefix > (v6 ? v6_prefix : narrowest))
      return std::nullopt;
    wanted = range;
    at = end + 1;
  }
  return wish;
}

std::optional<Pool> known_service_range(const std::string& folder) {
  const std::string file = services_folder(folder) + "/" + range_file;
  const auto text = sys::read_file_at(AT_FDCWD, file, range_limit);
  return text ? parse_pool(text->substr(0, text->find('\n'))) : std::nullopt;
}

Pool service_range(const std::string& folder, const ServiceRangeWish& wanted) {
  const auto known = known_service_range(folder);
  if (known && (known->v6 || !has_ipv6())) return *known;
  const auto taken = taken_ranges(folder);
  Pool range;
  if (known)
    range.v4 = known->v4;
  else
    range.v4 = wanted.v4 ? unless_taken(*wanted.v4, taken) : usual_range(taken);
  if (has_ipv6())
    range.v6 = wanted.v6 ? unless_taken(*wanted.v6, taken) : random_v6_range(v6_prefix);
  const auto own = sys::make_dirs_at(AT_FDCWD, services_folder(folder), 0700);
  sys::replace_file_at(own.get(), range_file, to_text(range) + "\n", 0600);
  return range;
}

}  // namespace pausa::net
