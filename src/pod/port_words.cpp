#include "pod/port_words.hpp"

#include <algorithm>
#include <charconv>

namespace pausa::pod {
namespace {

std::optional<std::uint16_t> number_in(std::string_view text) {
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// As ports are named in manifests (IANA_SVC_NAME): at most 15, with a letter among them.
bool is_name(std::string_view text) {
  constexpr std::size_t longest = 15;
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  return !text.empty() && text.size() <= longest && std::any_of(text.begin(), text.end(), letter) &&
         std::all_of(text.begin(), text.end(),
                     [&letter](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

}  // namespace

std::optional<ForwardedPort> parse_forwarded_port(std::string_view text) {
  ForwardedPort port;
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto protocol = text.substr(slash + 1);
    if (protocol != "tcp" && protocol != "udp") return std::nullopt;
    port.udp = protocol == "udp";
    text = text.substr(0, slash);
  }
  auto remote = text;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    remote = text.substr(colon + 1);
    port.local = colon == 0 ? std::uint16_t{0} : number_in(text.substr(0, colon));
    if (!port.local) return std::nullopt;
  }
  if (const auto number = number_in(remote)) {
    if (*number == 0) return std::nullopt;
    port.remote.number = *number;
  } else if (is_name(remote)) {
    port.remote.name = remote;
  } else {
    return std::nullopt;
  }
  return port;
}

std::optional<FoundPort> find_port(const Spec& spec, const PortRef& port, bool udp) {
  for (std::size_t i = 0; i < container_count(spec); ++i)
    for (const auto& own : container_at(spec, i).ports) {
      if ((own.protocol == Protocol::udp) != udp) continue;
      const bool same =
          port.name.empty() ? own.container_port == port.number : own.name == port.name;
      if (same) return FoundPort{own.container_port, i};
    }
  if (!port.name.empty()) return std::nullopt;
  return FoundPort{port.number, std::nullopt};
}

}  // namespace pausa::pod
