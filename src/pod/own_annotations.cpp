#include "pod/own_annotations.hpp"

#include "pod/duration.hpp"
#include "pod/suggest.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <string>

namespace pausa::pod {
namespace {

struct OffsetAnnotation {
  std::string_view name;
  std::chrono::nanoseconds TimeOffsets::*target;
};

constexpr std::string_view own_prefix = "pausa/";
constexpr std::array<OffsetAnnotation, 2> offset_annotations = {
    {{"pausa/monotonic-offset", &TimeOffsets::monotonic},
     {"pausa/boottime-offset", &TimeOffsets::boottime}}};
constexpr std::string_view proxy_annotation = "pausa/proxy-protocol";
constexpr std::array<std::string_view, 3> all_names = {"pausa/boottime-offset",
                                                       "pausa/monotonic-offset", proxy_annotation};

void decode_one(const Entry& entry, TimeOffsets& offsets, Diagnostics& findings) {
  Diagnostic fault;
  fault.path = "metadata.annotations[" + entry.key + "]";
  const auto invalid = [&](const char* text) {
    fault.kind = ErrorKind::invalid;
    fault.mark = entry.value.mark;
    fault.value = to_json(entry.value);
    fault.text = text;
    findings.push_back(std::move(fault));
  };
  for (const auto& [name, target] : offset_annotations) {
    if (entry.key != name) continue;
    const auto offset = parse_duration(entry.value.text);
    if (!offset) return invalid("must be a duration such as \"-3600s\" or \"1h30m\"");
    offsets.*target = *offset;
    return;
  }
  if (entry.key == proxy_annotation) {
    if (!parse_proxied_ports(entry.value.text))
      invalid("must be ports of the pod, as \"8080\" or \"8080,8443/v2\"");
    return;
  }
  fault.kind = ErrorKind::unsupported;
  fault.mark = entry.key_mark;
  fault.value = to_json(Node::make_string(entry.key));
  fault.text = "supported annotations of pausa: ";
  for (const auto name : all_names)
    fault.text.append(name == all_names.front() ? "\"" : ", \"").append(name).append("\"");
  if (const auto near = closest(entry.key, all_names))
    fault.hint = "did you mean \"" + std::string(*near) + "\"?";
  findings.push_back(std::move(fault));
}

}  // namespace

void decode_own_annotations(const Node& annotations, TimeOffsets& offsets, Diagnostics& findings) {
  for (const Entry& entry : annotations.entries)
    if (entry.key.starts_with(own_prefix)) decode_one(entry, offsets, findings);
}

std::optional<std::vector<ProxiedPort>> parse_proxied_ports(std::string_view text) {
  std::vector<ProxiedPort> ports;
  for (;;) {
    const auto comma = text.find(',');
    auto word = text.substr(0, comma);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    ProxiedPort one;
    if (const auto slash = word.find('/'); slash != std::string_view::npos) {
      const auto version = word.substr(slash);
      if (version != "/v1" && version != "/v2") return std::nullopt;
      one.version = version == "/v2" ? 2 : 1;
      word = word.substr(0, slash);
    }
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), one.port);
    if (error != std::errc() || end != word.data() + word.size() || one.port == 0)
      return std::nullopt;
    ports.push_back(one);
    if (comma == std::string_view::npos) return ports;
    text.remove_prefix(comma + 1);
  }
}

namespace {

struct DeclaredPorts {
  std::vector<std::uint16_t> tcp;
  std::vector<std::uint16_t> udp;
  std::vector<std::uint16_t> published;  // of TCP
};

DeclaredPorts declared_ports(const Value& spec) {
  DeclaredPorts declared;
  for (const std::string_view list : {"initContainers", "containers"})
    for (const Value& container : spec[list].items())
      for (const Value& port : container["ports"].items()) {
        const auto number = static_cast<std::uint16_t>(port["containerPort"].integer().value_or(0));
        const auto protocol = port["protocol"].text();
        if (protocol == "UDP") declared.udp.push_back(number);
        if (!protocol.empty() && protocol != "TCP") continue;
        declared.tcp.push_back(number);
        if (port["hostPort"].integer().value_or(0) != 0) declared.published.push_back(number);
      }
  return declared;
}

bool has(const std::vector<std::uint16_t>& ports, std::uint16_t port) {
  return std::find(ports.begin(), ports.end(), port) != ports.end();
}

}  // namespace

void check_proxied_ports(const Value& pod, const ValidateOptions& options, Findings& findings) {
  const Value annotation = pod["metadata"]["annotations"].key(proxy_annotation);
  const auto proxied = parse_proxied_ports(annotation.text());
  if (!proxied) return;
  auto declared = declared_ports(pod["spec"]);
  for (auto* ports : {&declared.tcp, &declared.published})
    ports->insert(ports->end(), options.published.begin(), options.published.end());
  if (pod["spec"]["hostNetwork"].truth().value_or(false))
    return findings.note(annotation,
                         "has no effect with `hostNetwork`: clients reach the server itself");
  std::vector<std::uint16_t> seen;
  for (const auto& [port, version] : *proxied) {
    const std::string number = std::to_string(port);
    if (has(seen, port)) {
      findings.invalid(annotation, "port " + number + " is named twice");
    } else if (!has(declared.tcp, port) && has(declared.udp, port)) {
      findings.invalid(annotation,
                       "port " + number + " is of UDP, and the PROXY protocol is for TCP");
      findings.hint("leave it out");
    } else if (!has(declared.tcp, port)) {
      // --publish may name it.
      findings.note(annotation, "no container declares port " + number +
                                    ": it has an effect there with --publish only");
    } else if (!options.publishes_all && !has(declared.published, port)) {
      findings.note(annotation, "has no effect on port " + number +
                                    " without a hostPort (or --publish, --ports auto)");
    }
    seen.push_back(port);
  }
}

std::vector<ProxiedPort> proxied_ports(const Metadata& metadata) {
  for (const auto& [name, value] : metadata.annotations)
    if (name == proxy_annotation)
      return parse_proxied_ports(value).value_or(std::vector<ProxiedPort>());
  return {};
}

}  // namespace pausa::pod
