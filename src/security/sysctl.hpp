// Which kernel parameters a pod may set: only those that a namespace of its own keeps apart from
// the host's, and without leave only the ones that Kubernetes calls safe. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pausa::security {

enum class SysctlScope : std::uint8_t {
  none,  // the whole machine's: never for a pod
  net,   // the network namespace's: not with hostNetwork
  ipc,   // the IPC namespace's: not with hostIPC
};

// As Kubernetes validates it: lower case, digits, '-' and '_' between separators, at most 253
// bytes. '/' may stand for '.', but "..", an empty part and any other byte may not occur.
bool sysctl_name_is_valid(std::string_view name);

// One spelling for both: in "net/ipv4/conf/eth0.5/x" the separators are slashes and a dot belongs
// to a part; in "net.ipv4.conf.eth0/5/x" it is the other way round (sysctl.d(5)). Gives the latter.
std::string dotted_sysctl(std::string_view name);

// The path below /proc/sys of a dotted name.
std::string sysctl_path(std::string_view dotted);

SysctlScope sysctl_scope(std::string_view dotted);

// Kubernetes' safe set: nothing in it touches another pod or the host's resources.
bool sysctl_is_safe(std::string_view dotted);

// A pattern of --allow-unsafe-sysctls: a whole name, or a prefix that ends in '*'.
bool sysctl_matches(std::string_view dotted, std::string_view pattern);

}  // namespace pausa::security
