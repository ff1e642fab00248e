#include "pod/decode_parts.hpp"

namespace pausa::pod {
namespace {

PortRef port(const Node& node) {
  PortRef out;
  get(node, "port", out.name);
  get_integer(node, "port", out.number);
  return out;
}

// Seconds, or a threshold: 0 is the default, as for the API server.
template <typename Number>
void get_positive(const Node& node, std::string_view key, Number& out) {
  std::uint32_t value = 0;
  get_integer(node, key, value);
  if (value != 0) out = Number(value);
}

HttpCheck http(const Node& node) {
  HttpCheck out;
  get(node, "host", out.host);
  get(node, "path", out.path);
  if (!out.path.starts_with('/')) out.path.insert(0, "/");
  out.port = port(node);
  std::string scheme;
  get(node, "scheme", scheme);
  out.https = scheme == "HTTPS";
  each(node, "httpHeaders", [&out](const Node& item) {
    std::pair<std::string, std::string> header;
    get(item, "name", header.first);
    get(item, "value", header.second);
    out.headers.push_back(std::move(header));
  });
  return out;
}

std::optional<Check> check(const Node& node) {
  std::optional<Check> out;
  in_map(node, "exec", [&out](const Node& map) {
    ExecCheck exec;
    get(map, "command", exec.command);
    out = std::move(exec);
  });
  in_map(node, "httpGet", [&out](const Node& map) { out = http(map); });
  in_map(node, "tcpSocket", [&out](const Node& map) {
    TcpCheck tcp;
    get(map, "host", tcp.host);
    tcp.port = port(map);
    out = std::move(tcp);
  });
  in_map(node, "grpc", [&out](const Node& map) {
    GrpcCheck grpc;
    get_integer(map, "port", grpc.port);
    get(map, "service", grpc.service);
    out = std::move(grpc);
  });
  in_map(node, "sleep", [&out](const Node& map) {
    std::uint32_t seconds = 0;
    get_integer(map, "seconds", seconds);
    out = Sleep{std::chrono::seconds(seconds)};
  });
  return out;
}

std::optional<Probe> probe(const Node& node, std::string_view key) {
  std::optional<Probe> out;
  in_map(node, key, [&out](const Node& map) {
    auto what = check(map);
    if (!what) return;
    out.emplace();
    out->check = std::move(*what);
    get_positive(map, "initialDelaySeconds", out->initial_delay);
    get_positive(map, "periodSeconds", out->period);
    get_positive(map, "timeoutSeconds", out->timeout);
    get_positive(map, "successThreshold", out->success_threshold);
    get_positive(map, "failureThreshold", out->failure_threshold);
    std::chrono::seconds grace{0};
    get_positive(map, "terminationGracePeriodSeconds", grace);
    if (grace.count() != 0) out->grace_period = grace;
  });
  return out;
}

}  // namespace

Health decode_health(const Node& container) {
  Health out;
  out.probes = {probe(container, "startupProbe"), probe(container, "livenessProbe"),
                probe(container, "readinessProbe")};
  in_map(container, "lifecycle", [&out](const Node& map) {
    in_map(map, "postStart", [&out](const Node& hook) { out.post_start = check(hook); });
    in_map(map, "preStop", [&out](const Node& hook) { out.pre_stop = check(hook); });
    get(map, "stopSignal", out.stop_signal);
  });
  return out;
}

std::vector<RestartRule> decode_restart_rules(const Node& container) {
  std::vector<RestartRule> out;
  each(container, "restartPolicyRules", [&out](const Node& item) {
    RestartRule rule;
    std::string text;
    get(item, "action", text);
    rule.all = text == "RestartAllContainers";
    in_map(item, "exitCodes", [&rule](const Node& map) {
      std::string op;
      get(map, "operator", op);
      rule.not_in = op == "NotIn";
      each(map, "values", [&rule](const Node& value) {
        if (value.kind == Node::Kind::integer)
          rule.codes.push_back(static_cast<std::int32_t>(value.integer));
      });
    });
    out.push_back(std::move(rule));
  });
  return out;
}

}  // namespace pausa::pod
