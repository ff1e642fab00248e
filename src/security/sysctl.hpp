// From a kernel parameter's name to its file. Which ones a pod may set is decided on paper
// (pod/validate_security.cpp, pod/our_security_rules.cpp). Pure.
#pragma once

#include <string>
#include <string_view>

namespace pausa::security {

// The path below /proc/sys of a dotted name: in "net.ipv4.conf.eth0/5.x" dots separate and a slash
// stands for a dot within a part (sysctl.d(5)).
std::string sysctl_path(std::string_view dotted);

}  // namespace pausa::security
