// What is written on the command line for a port that is to be forwarded:
// [LOCAL:]REMOTE[/tcp|/udp]. Pure.
#pragma once

#include "pod/health.hpp"
#include "pod/spec.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

struct ForwardedPort {
  std::optional<std::uint16_t> local;  // 0: any that is free; unset: the same as the remote one
  PortRef remote;
  bool udp = false;
};

// "8080:80", ":80", "80", "8080:http", "http", "5353:53/udp". nullopt: it is none of these.
std::optional<ForwardedPort> parse_forwarded_port(std::string_view text);

// The port's number in the pod, and the container that declares it; a number stands for itself.
struct FoundPort {
  std::uint16_t number = 0;
  std::optional<std::size_t> container;  // index in the spec
};
// nullopt: no container declares a port of that name.
std::optional<FoundPort> find_port(const Spec& spec, const PortRef& port, bool udp);

}  // namespace pausa::pod
