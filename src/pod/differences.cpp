#include "pod/fields.hpp"
#include "pod/validate.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

// A part of a path as we print it, with # for any number, and as the API server does.
struct Respelling {
  std::string_view ours;
  std::string_view theirs;
  bool ends_path;  // only at the end of the path
};
constexpr Respelling respellings[] = {
    {"volumeMounts[#].subPath", "volumeMounts.subPath", true},
    {"volumeMounts[#].mountPropagation", "volumeMounts.mountPropagation", true},
    {"volumeMounts[#].recursiveReadOnly", "volumeMounts.recursiveReadOnly", true},
    {"envFrom[#]", "envFrom", true},
    {"downwardAPI.items[#]", "downwardAPI", false},
    {"volumeClaimTemplate.spec.resources.requests[", "volumeClaimTemplate.spec.resources[", false},
    {"spec.shareProcessNamespace", "spec.securityContext.shareProcessNamespace", true},
    {"spec.resourceClaims", "[]", true},
};
constexpr std::string_view dotted_annotations[] = {
    "metadata.annotations[seccomp.security.alpha.kubernetes.io/",
    "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/"};

constexpr std::string_view cluster_objects[] = {"TestValidatePodSpec-0376",
                                                "TestValidatePodSpec-0379"};
constexpr std::string_view nameless_paths[] = {"TestValidatePod-0560",
                                               "TestValidateTopologySpreadConstraints-0606"};

// clang-format off
constexpr Difference table[] = {
    {"shareProcessNamespace unset", "each container has its own PID namespace", "the members share one",
     "that is what a pod on one machine is for, and stopping is faster: infra is PID 1, so that SIGTERM ends a program without a handler", {}},
    {"terminationGracePeriodSeconds unset", "30 seconds", "10 seconds", "people wait for it", {}},
    {"seccompProfile unset", "usually Unconfined", "RuntimeDefault", "confined unless asked otherwise", {}},
    {"capabilities of a container that asks for none", "those of the node's runtime, mostly with NET_RAW, MKNOD and AUDIT_WRITE", "the same without these three",
     "with NET_RAW a container may pose as its neighbours; a ping that opens a raw socket needs it added, one by datagrams of ICMP needs nothing", {}},
    {"RuntimeClass and PriorityClass", "refused when the cluster has no such object", "runtimeClassName is refused, priorityClassName has no effect",
     "there is no cluster to hold such objects", cluster_objects},
    {"paths of matchLabelKeys", "constraint[0][0]", "constraint[0].matchLabelKeys[0]", "the API server loses the field's name", nameless_paths},
    {"paths of volumeMounts, envFrom, downwardAPI items, old seccomp annotations, and shareProcessNamespace", "an index is left out, or an older place is named", "the place in the manifest",
     "the path is to lead to the fault", {}},
    {"messages about a whole object", "the object is printed", "it is left out", "it would bury the sentence", {}},
    {"generateName without a name", "a name is made up", "refused", "the pod is to be found again by the name in the manifest", {}},
    {"names of 151 to 253 bytes, of any kind of object", "accepted", "refused", "folders and files are named after them, and have 255", {}},
    {"more than 240 containers and init containers", "accepted", "refused", "infra keeps the log pipes of so many", {}},
    {"a volume without a source", "becomes an emptyDir", "refused", "surely something is missing", {}},
    {"emptyDir.medium", "any text", "unset or Memory", "another medium would be ignored", {}},
    {"mountPath relative, with a colon, with \"..\", or one path written in two ways", "accepted", "refused", "it fails later, or mounts where nobody looks", {}},
    {"mountPath /, /proc and below, /sys, /dev", "accepted", "refused (/sys and /dev: unless privileged)", "it would replace what confines the container", {}},
    {"ports[].hostIP", "any text", "an IP address", "it fails later", {}},
    {"terminationGracePeriodSeconds below 0 or beyond 2^31", "below 0 becomes 1", "refused", "no such wait is meant", {}},
    {"named ports of probes and hooks", "looked up at each check", "refused when the container has no such port", "it would fail each time", {}},
    {"containerName of resourceFieldRef, volumeName of fileKeyRef", "looked up at the start", "refused when the pod has no such container, or no such emptyDir", "the start would fail", {}},
    {"host of httpGet and tcpSocket", "any text, looked up by the node", "an IP address or localhost, seen from inside the pod", "the check comes from the pod's own network", {}},
    {"probes until their first success", "at their times", "readiness and startup also in between (50 ms, doubling; only failures at their times count)", "so that readiness is known when it is there; up --probe-timing=exact turns it off", {}},
    {"preStop hooks that use up the grace period", "2 more seconds for the stop signal", "0.5 more seconds", "a stop takes no longer than the grace and a second", {}},
    {"hostname with hostNetwork", "accepted, without effect", "refused", "the host's name is used", {}},
    {"setHostnameAsFQDN with a full name beyond 64 bytes", "fails on the node", "refused", "the kernel takes no longer hostname", {}},
    {"dnsConfig.options with blanks or line breaks", "accepted", "refused", "they would be other options, or other lines", {}},
    {"integers written 0x10 or 1e3", "accepted", "refused", "few read them as what they are", {}},
    {"value: null or ~ in env", "the empty text", "refused; nothing at all is the empty text", "the word may be meant", {}},
    {"quantities without a digit (\".\", \"+\")", "read as 0", "refused", "surely a slip", {}},
    {"memory in fractions of a byte, or beyond 2^63", "accepted, at times with a warning", "refused", "\"128m\" is written for \"128Mi\", and a capped number is no limit", {}},
    {"resources other than cpu, memory, ephemeral-storage", "counted by the scheduler", "refused", "a limit that is not kept must not be asked for", {}},
    {"capabilities", "any text", "names that the kernel knows, in upper case, with or without CAP_; not both added and dropped", "a misspelt one would be missing in silence", {}},
    {"allowPrivilegeEscalation: false with SYS_ADMIN", "found when spelt CAP_SYS_ADMIN", "found in both spellings", "it is the same capability", {}},
    {"seccompProfile Localhost with an empty name", "accepted", "refused", "it would select no profile", {}},
    {"sysctls", "checked on the node", "refused when not namespaced, or outside the safe set and not allowed by a flag", "all errors are told before anything starts", {}},
    {"AppArmor annotations", "become the field", "refused, like the field, unless unconfined", "a security setting is honoured or refused", {}},
    {"seccomp annotations", "ignored", "localhost/… is refused, others give a note", "a security setting is honoured or refused", {}},
    {"workingDir relative, an empty command[0], NUL bytes, an argument or variable of 128 KiB", "accepted", "refused", "execve(2) would fail", {}},
    {"readOnly mounts", "cover what is mounted below only with recursiveReadOnly", "always cover it", "read-only is to mean that", {}},
    {"host: as the reference of an image volume", "any text", "refused", "it names no image; hostPath brings files of this machine", {}},
    {"SCTP in a NetworkPolicy", "accepted", "refused", "no pod here can be sent any", {}},
    {"NetworkPolicy and pods in the host's network", "undefined", "they are the host: not selected, not kept out", "up says so of one that is selected", {}},
    {"connections that are established when a NetworkPolicy comes", "undefined", "live on", "a policy decides about new ones", {}},
    {"hostPath.path relative", "starts at the kubelet's directory", "starts at the manifest's folder", "a manifest and its data move together", {}},
};
// clang-format on

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// How many characters of text the pattern covers, from its start; npos when it does not fit.
std::size_t covered(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  for (const char c : pattern) {
    if (c == '#') {
      const std::size_t start = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      if (at == start) return std::string_view::npos;
    } else if (at >= text.size() || text[at++] != c) {
      return std::string_view::npos;
    }
  }
  return at;
}

}  // namespace

std::string api_server_path(std::string_view path) {
  for (const std::string_view prefix : dotted_annotations) {
    if (!path.starts_with(prefix)) continue;
    const std::size_t bracket = path.find('[');
    return std::string(path.substr(0, bracket)) + '.' +
           std::string(path.substr(bracket + 1, path.size() - bracket - 2));
  }
  for (const Respelling& respelling : respellings) {
    for (std::size_t at = 0; at < path.size(); ++at) {
      const std::size_t length = covered(path.substr(at), respelling.ours);
      if (length == std::string_view::npos) continue;
      if (respelling.ends_path && at + length != path.size()) continue;
      return std::string(path.substr(0, respelling.theirs == "[]" ? 0 : at)) +
             std::string(respelling.theirs) + std::string(path.substr(at + length));
    }
  }
  return std::string(path);
}

std::span<const Difference> differences() {
  return table;
}

}  // namespace pausa::pod
