#include "net/port_map.hpp"

#include "net/nat.hpp"
#include "net/netlink.hpp"
#include "sys/error.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <utility>

namespace pausa::net {
namespace {

// As nf_tables keeps values that are put together: each begins at a multiple of four bytes.
class Words {
 public:
  Words& byte(std::uint8_t value) { return bytes(&value, 1); }
  Words& port(std::uint16_t value) {
    const std::uint16_t wire = htons(value);
    return bytes(&wire, sizeof wire);
  }
  Words& address(const Address& value) { return bytes(value.bytes.data(), value.size()); }
  const std::string& text() const { return text_; }

 private:
  Words& bytes(const void* data, std::size_t size) {
    text_.append(static_cast<const char*>(data), size);
    text_.resize((text_.size() + 3) / 4 * 4);
    return *this;
  }
  std::string text_;
};

struct Element {
  std::string map;
  std::string key;
  std::string value;
};

// What nat.cpp declares: "any4" by protocol and port, "one4" with one address of the host's.
Element element_of(const PublishedPort& port, bool v6) {
  Element element;
  Words key;
  key.byte(port.udp ? IPPROTO_UDP : IPPROTO_TCP);
  if (port.host) key.address(*port.host);
  key.port(port.host_port);
  element.map = std::string(port.host ? "one" : "any") + (v6 ? "6" : "4");
  element.key = key.text();
  return element;
}

void put_value(Message& message, int attribute, const std::string& value) {
  message.nest(attribute, [&] { message.put(NFTA_DATA_VALUE, value.data(), value.size()); });
}

Message about(const std::string& bridge, int what, int flags, const Element& element) {
  Message message(NFNL_SUBSYS_NFTABLES << 8 | what, flags);
  message.header(nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0});
  message.put(NFTA_SET_ELEM_LIST_TABLE, table_of(bridge));
  message.put(NFTA_SET_ELEM_LIST_SET, element.map);
  message.nest(NFTA_SET_ELEM_LIST_ELEMENTS, [&] {
    message.nest(NFTA_LIST_ELEM, [&] {
      put_value(message, NFTA_SET_ELEM_KEY, element.key);
      if (!element.value.empty()) put_value(message, NFTA_SET_ELEM_DATA, element.value);
    });
  });
  return message;
}

std::string value_in(nlattr* element, int attribute) {
  std::array<nlattr*, NFTA_SET_ELEM_MAX + 1> parts{};
  std::array<nlattr*, NFTA_DATA_MAX + 1> data{};
  if (::nla_parse_nested(parts.data(), NFTA_SET_ELEM_MAX, element, nullptr) < 0 ||
      parts[static_cast<std::size_t>(attribute)] == nullptr ||
      ::nla_parse_nested(data.data(), NFTA_DATA_MAX, parts[static_cast<std::size_t>(attribute)],
                         nullptr) < 0 ||
      data[NFTA_DATA_VALUE] == nullptr)
    return {};
  const nlattr* value = data[NFTA_DATA_VALUE];
  return {static_cast<const char*>(::nla_data(value)), static_cast<std::size_t>(::nla_len(value))};
}

void for_each_element(nlmsghdr* header, const std::function<void(nlattr*)>& look) {
  nlattr* const list = ::nlmsg_find_attr(header, sizeof(nfgenmsg), NFTA_SET_ELEM_LIST_ELEMENTS);
  if (list == nullptr) return;
  int left = 0;
  nlattr* element = nullptr;
  nla_for_each_nested(element, list, left) look(element);
}

std::vector<Element> elements_of(Netlink& netlink, const std::string& bridge,
                                 const std::string& map) {
  std::vector<Element> elements;
  Message question(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP);
  question.header(nfgenmsg{NFPROTO_INET, NFNETLINK_V0, 0});
  question.put(NFTA_SET_ELEM_LIST_TABLE, table_of(bridge));
  question.put(NFTA_SET_ELEM_LIST_SET, map);
  (void)netlink.ask(question, [&](nlmsghdr* header) {
    for_each_element(header, [&](nlattr* element) {
      elements.push_back(
          {map, value_in(element, NFTA_SET_ELEM_KEY), value_in(element, NFTA_SET_ELEM_DATA)});
    });
  });
  return elements;
}

// What is not there is left out: a change that fails costs an RCU grace period as one that does
// not, 5 to 30 ms, and takes the others with it.
void remove_some(Netlink& netlink, const std::string& bridge, const Element* elements,
                 std::size_t count) {
  constexpr int attempts = 3;  // somebody may have been faster between question and change
  for (int i = 0; i < attempts; ++i) {
    std::vector<Message> changes;
    for (const Element* element = elements; element != elements + count; ++element)
      if (netlink.ask(about(bridge, NFT_MSG_GETSETELEM, 0, *element)) == 0)
        changes.push_back(about(bridge, NFT_MSG_DELSETELEM, 0, *element));
    if (changes.empty()) return;
    const int failed = netlink.commit(changes);
    if (failed == 0) return;
    if (failed != ENOENT) throw sys::Error(failed, "take published ports from the rules");
  }
}

void remove(Netlink& netlink, const std::string& bridge, const std::vector<Element>& elements) {
  constexpr std::size_t at_once = 128;  // a netlink socket takes 64 KiB in one message
  for (std::size_t i = 0; i < elements.size(); i += at_once)
    remove_some(netlink, bridge, elements.data() + i, std::min(at_once, elements.size() - i));
}

}  // namespace

bool add_to_map(const std::string& bridge, const PublishedPort& port, const Address& pod) {
  const auto ours = *parse_address("::1");
  if (port.host && (port.host->v6 != pod.v6 || *port.host == ours)) return false;
  auto element = element_of(port, pod.v6);
  Netlink netlink(NETLINK_NETFILTER);
  std::string before;
  (void)netlink.ask(about(bridge, NFT_MSG_GETSETELEM, 0, element), [&before](nlmsghdr* header) {
    for_each_element(header,
                     [&before](nlattr* found) { before = value_in(found, NFTA_SET_ELEM_DATA); });
  });
  std::vector<Message> changes;
  if (!before.empty()) changes.push_back(about(bridge, NFT_MSG_DELSETELEM, 0, element));
  element.value = Words().address(pod).port(port.pod_port).text();
  if (before == element.value) return true;
  changes.push_back(about(bridge, NFT_MSG_NEWSETELEM, NLM_F_CREATE, element));
  return netlink.commit(changes) == 0;
}

void remove_from_map(const std::string& bridge, const std::vector<PublishedPort>& ports) {
  std::vector<Element> elements;
  std::vector<std::pair<std::string, std::string>> everywhere;  // where their keys begin and end
  for (const auto& port : ports) {
    auto anywhere = port;
    anywhere.host.reset();
    for (const bool v6 : {false, true}) elements.push_back(element_of(anywhere, v6));
    if (port.host)
      elements.push_back(element_of(port, port.host->v6));
    else
      everywhere.emplace_back(Words().byte(port.udp ? IPPROTO_UDP : IPPROTO_TCP).text(),
                              Words().port(port.host_port).text());
  }
  Netlink netlink(NETLINK_NETFILTER);
  for (const char* map : {"one4", "one6"}) {
    if (everywhere.empty()) break;
    for (auto& element : elements_of(netlink, bridge, map)) {
      if (std::none_of(everywhere.begin(), everywhere.end(), [&element](const auto& key) {
            return element.key.starts_with(key.first) && element.key.ends_with(key.second);
          }))
        continue;
      element.value.clear();
      elements.push_back(std::move(element));
    }
  }
  remove(netlink, bridge, elements);
}

void remove_all_to(const std::string& bridge, const std::vector<Address>& pods) {
  Netlink netlink(NETLINK_NETFILTER);
  std::vector<Element> elements;
  for (const auto& pod : pods) {
    const auto address = Words().address(pod).text();
    for (const char* kind : {"any", "one"})
      for (auto& element : elements_of(netlink, bridge, std::string(kind) + (pod.v6 ? "6" : "4"))) {
        if (!element.value.starts_with(address)) continue;
        element.value.clear();
        elements.push_back(std::move(element));
      }
  }
  remove(netlink, bridge, elements);
}

}  // namespace pausa::net
