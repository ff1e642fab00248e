// The pod's sandbox from the pod's spec: what infra is created with, and the handles that stay.
#pragma once

#include "infra/client.hpp"
#include "infra/sandbox.hpp"
#include "pod/spec.hpp"
#include "supervisor/host.hpp"
#include "sys/fd.hpp"
#include "sys/net_socket.hpp"
#include "sys/process.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

inline constexpr const char* infra_socket = "infra.sock";

struct PodSandbox {
  sys::UniqueFd pidfd;
  sys::ProcessId id;
  infra::Client client;
  sys::UniqueFd leash;       // of a new one: to be let go when it stands in the record
  sys::SocketStock sockets;  // of its network, for checks and published ports
};

// By which names the pod knows itself and others.
struct NameFiles {
  std::string hostname;
  std::string hosts;               // the text of /etc/hosts
  std::string resolv_conf;         // of /etc/resolv.conf
  std::vector<std::string> notes;  // what the limits of resolvers have cut off
};
struct NameSources {
  std::vector<std::string> addresses;  // the pod's
  std::vector<std::string> resolver;   // of the pods' names; none: nobody answers
  std::string more_hosts;              // lines for /etc/hosts
  std::string service_rules;           // for the pod's network (OwnServices)
  std::string loopback_server;         // answers for a name server on the host's loopback
};
// Throws sys::Error: the pod's full name is too long to be a hostname.
NameFiles make_name_files(const pod::Pod& pod, NameSources sources);

// A sandbox on its way: its namespaces exist from the start, infra comes up while the caller does
// something else. Given up unless finish() was called.
class PodSandboxBirth {
 public:
  // group: the one that infra lives in, or nullptr. id_base: with hostUsers: false as root, the
  // first of the 65,536 ids of the pod's user namespace.
  PodSandboxBirth(const Host& host, const pod::Pod& pod, int run_dir, cgroup::Group* group,
                  std::optional<std::uint32_t> id_base, NameFiles names);

  pid_t pid() const { return birth_.pid(); }
  int pidfd() const { return birth_.pidfd(); }

  // Waits until infra serves. Once.
  PodSandbox finish();
  // The steps, for people.
  std::string explain() const { return infra::explain(birth_.request()); }

 private:
  int run_dir_;
  infra::SandboxBirth birth_;
};

// The living sandbox of a record, or nullopt when it is gone.
std::optional<PodSandbox> find_pod_sandbox(const sys::ProcessId& id, int run_dir);

// Kubernetes' rules: the spec's hostname, else the pod's name; the host's with hostNetwork.
std::string pod_hostname(const pod::Pod& pod);

// Which of infra's namespaces a member joins (CLONE_NEW*, without mnt and pid).
int joined_namespaces(const pod::Spec& spec, bool user_namespace);

}  // namespace pausa::supervisor
