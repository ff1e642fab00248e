// The parts of check_our_rules(). Internal to the pod room.
#pragma once

#include "pod/validate.hpp"
#include "pod/value.hpp"

#include <string_view>

namespace pausa::pod {

// Capabilities, sysctls and what the old annotations ask for: honoured or refused, never ignored.
void check_our_security_rules(const Value& pod, const ValidateOptions& options, Findings& findings);

// Named ports that are not there, and hosts that would have to be looked up.
void check_our_health_rules(const Value& container, Findings& findings);

// Containers and volumes that variables and files refer to, and that there are not.
void check_our_env_rules(const Value& spec, Findings& findings);

// NET_ADMIN of CAP_NET_ADMIN.
std::string_view plain_capability(std::string_view name);
// Whether the kernel knows it (capabilities(7), Linux 5.9), or it is ALL.
bool is_capability(std::string_view plain_name);

}  // namespace pausa::pod
