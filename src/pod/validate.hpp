// Judging a Pod manifest. Pure: a tree in, diagnostics out; nothing is looked up on the machine.
// Findings come in the order of the source. Texts, kinds and field paths are Kubernetes'.
#pragma once

#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/value.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::pod {

struct ValidateOptions {
  // Patterns of namespaced sysctls outside Kubernetes' safe set: a name, or a prefix and "*".
  std::vector<std::string> unsafe_sysctls;
  // Ports of the pod, TCP, that a command publishes beside the manifest.
  std::vector<std::uint16_t> published = {};
  bool publishes_all = false;  // whatever is declared and has no hostPort
  bool host_network = false;   // a command says so beside the manifest, of what load() reads
};

// Everything below in one: errors, warnings and notes. has_errors() of it decides.
Diagnostics validate_pod(const Node& pod, const ValidateOptions& options = {});

// What is wrong with one more ephemeral container for a pod that is valid without it.
Diagnostics validate_ephemeral(const Node& pod, const Node& container,
                               const ValidateOptions& options = {});

// What a Kubernetes API server would say on create, under strict field validation. Where it leaves
// an index out of a path or names another field, we say where the fault is (api_server_path()).
Diagnostics kubernetes_validation(const Node& pod);

// The field path that an API server would print for one of ours.
std::string api_server_path(std::string_view path);

// The parts: unknown fields and wrong JSON types …
void check_schema(const Value& pod, Findings& findings);
// … and what we refuse although Kubernetes takes it (docs/fields.md says why).
void check_our_rules(const Value& pod, const ValidateOptions& options, Findings& findings);

}  // namespace pausa::pod
