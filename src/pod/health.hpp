// What the manifest says about probes, hooks and restarts of a container. Pure values, part of
// spec.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pausa::pod {

struct PortRef {
  std::uint16_t number = 0;  // 0: by name
  std::string name;          // of one of the container's ports
};

struct ExecCheck {
  std::vector<std::string> command;  // as written: nothing is expanded in it
};
struct HttpCheck {
  std::string host;  // an IP address, or empty: the pod's own
  PortRef port;
  std::string path = "/";
  bool https = false;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct TcpCheck {
  std::string host;
  PortRef port;
};
struct GrpcCheck {
  std::uint16_t port = 0;
  std::string service;
};
struct Sleep {
  std::chrono::seconds time{0};
};
// What a probe does, and what a hook does (which knows no grpc, as a probe knows no sleep).
using Check = std::variant<ExecCheck, HttpCheck, TcpCheck, GrpcCheck, Sleep>;

enum class ProbeKind : std::uint8_t { startup, liveness, readiness };
inline constexpr std::size_t probe_kinds = 3;

struct Probe {
  Check check;
  std::chrono::seconds initial_delay{0};
  std::chrono::seconds period{10};
  std::chrono::seconds timeout{1};
  std::uint32_t success_threshold = 1;
  std::uint32_t failure_threshold = 3;
  std::optional<std::chrono::seconds> grace_period;  // of the kill that it causes; else the pod's
};

enum class HookKind : std::uint8_t { post_start, pre_stop };

struct Health {
  std::array<std::optional<Probe>, probe_kinds> probes;
  std::optional<Check> post_start;
  std::optional<Check> pre_stop;
  std::string stop_signal;  // "SIGUSR1"; empty: the image's, else SIGTERM

  const std::optional<Probe>& probe(ProbeKind kind) const {
    return probes[static_cast<std::size_t>(kind)];
  }
};

enum class ContainerRestart : std::uint8_t { as_pod, always, on_failure, never };

// The first rule that fits an exit code decides; then the container's policy, then the pod's.
struct RestartRule {
  bool all = false;     // RestartAllContainers, not only this one
  bool not_in = false;  // fits the codes that are not listed
  std::vector<std::int32_t> codes;

  bool fits(int code) const {
    return (std::find(codes.begin(), codes.end(), code) != codes.end()) != not_in;
  }
};

}  // namespace pausa::pod
