#include "supervisor/pod_sandbox.hpp"

#include "pod/name_files.hpp"
#include "pod/resolv_conf.hpp"
#include "security/idmap.hpp"
#include "security/sysctl.hpp"
#include "supervisor/volumes.hpp"
#include "sys/error.hpp"
#include "sys/namespace.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

constexpr std::chrono::seconds infra_deadline(10);
constexpr std::size_t config_limit = 1U << 20U;

std::string read_host_file(const char* path) {
  return sys::read_file_at(AT_FDCWD, path, config_limit).value_or("");
}

// systemd-resolved writes itself, at 127.0.0.53, into /etc/resolv.conf, and the servers that it
// asks into another file: those can be reached from inside a pod.
pod::ResolvConf host_resolv_conf() {
  auto conf = pod::parse_resolv_conf(read_host_file("/etc/resolv.conf"));
  if (std::all_of(conf.nameservers.begin(), conf.nameservers.end(), pod::is_loopback_address)) {
    auto real = pod::parse_resolv_conf(read_host_file("/run/systemd/resolve/resolv.conf"));
    if (!real.nameservers.empty()) conf.nameservers = std::move(real.nameservers);
  }
  return conf;
}

// Sysctls that every pod with a network of its own starts with: unprivileged ping, low ports for
// all (the port numbers are the pod's own), and no trust in router advertisements. The kernel takes
// only groups that the pod's user namespace has.
void add_network_sysctls(infra::SandboxRequest& request, std::uint32_t mapped) {
  constexpr std::uint32_t most = 2147483647;
  request.sysctls.emplace_back("net/ipv4/ping_group_range",
                               "0 " + std::to_string(std::min(most, mapped - 1)));
  request.sysctls.emplace_back("net/ipv4/ip_unprivileged_port_start", "0");
}

// What infra inherits; borrowed by the request until the clone.
struct Handles {
  sys::UniqueFd listener;
  sys::UniqueFd table = infra::create_table();
  explicit Handles(int run_dir) : listener(infra::listen_for_infra(run_dir, infra_socket)) {}
};

infra::SandboxRequest sandbox_request(const Host& host, const pod::Pod& pod, cgroup::Group* group,
                                      std::optional<std::uint32_t> id_base, NameFiles names,
                                      const Handles& handles) {
  const auto& spec = pod.spec;
  infra::SandboxRequest request;
  request.new_pid = !spec.host_pid;
  request.new_net = !spec.host_network;
  request.new_ipc = !spec.host_ipc;
  request.new_uts = !spec.host_network;
  if (spec.time_offsets.any())
    request.time_offsets =
        infra::TimeOffsets{spec.time_offsets.monotonic, spec.time_offsets.boottime};
  if (request.new_uts) request.hostname = names.hostname;
  request.label = pod.metadata.namespace_ + "/" + pod.metadata.name;
  if (request.new_net)
    add_network_sysctls(request, id_base ? security::block_size : host.mapped_ids);
  for (const auto& sysctl : spec.security.sysctls)
    request.sysctls.emplace_back(security::sysctl_path(sysctl.name), sysctl.value);
  request.tmpfs = shared_memory(spec);
  request.files.emplace_back("etc/hosts", std::move(names.hosts));
  request.files.emplace_back("etc/hostname", names.hostname + "\n");
  request.files.emplace_back("etc/resolv.conf", std::move(names.resolv_conf));
  if (group != nullptr) {
    request.tasks_fds = group->tasks_fds();
    request.cgroup_fd = group->clone_fd();
  }
  if (id_base)
    request.map_users = [block = security::rootful_block(*id_base)](pid_t pid) {
      security::write_id_maps(pid, {block, block});
    };
  request.infra_exe_fd = host.infra_fd.get();
  request.listen_fd = handles.listener.get();
  request.table_fd = handles.table.get();
  request.deadline = infra_deadline;
  return request;
}

}  // namespace

std::string pod_hostname(const pod::Pod& pod) {
  if (pod.spec.host_network) {
    utsname names{};
    sys::check(::uname(&names), "read the host's name");
    return names.nodename;
  }
  std::string name = pod::kernel_hostname(pod);
  if (name.size() > pod::most_hostname_bytes)
    throw sys::Error("the full hostname " + name + " is too long: " + std::to_string(name.size()) +
                     " bytes, at most " + std::to_string(pod::most_hostname_bytes));
  return name;
}

NameFiles make_name_files(const pod::Pod& pod, NameSources sources) {
  NameFiles files;
  files.hostname = pod_hostname(pod);
  files.hosts = pod::hosts_file(pod, {std::move(sources.addresses),
                                      pod.spec.host_network ? read_host_file("/etc/hosts") : ""});
  files.hosts += sources.more_hosts;
  pod::ResolvFacts facts;
  facts.host = host_resolv_conf();
  if (!sources.loopback_server.empty())
    std::replace_if(facts.host.nameservers.begin(), facts.host.nameservers.end(),
                    pod::is_loopback_address, sources.loopback_server);
  facts.resolver = std::move(sources.resolver);
  files.resolv_conf = pod::to_text(pod::form_resolv_conf(pod, facts, files.notes));
  return files;
}

int joined_namespaces(const pod::Spec& spec, bool user_namespace) {
  int flags = CLONE_NEWUTS;
  if (!spec.host_network) flags |= CLONE_NEWNET;
  if (spec.host_network) flags &= ~CLONE_NEWUTS;
  if (!spec.host_ipc) flags |= CLONE_NEWIPC;
  if (spec.time_offsets.any()) flags |= CLONE_NEWTIME;
  if (user_namespace) flags |= CLONE_NEWUSER;
  return flags;
}

PodSandboxBirth::PodSandboxBirth(const Host& host, const pod::Pod& pod, int run_dir,
                                 cgroup::Group* group, std::optional<std::uint32_t> id_base,
                                 NameFiles names)
    : run_dir_(run_dir),
      birth_(sandbox_request(host, pod, group, id_base, std::move(names), Handles(run_dir))) {}

PodSandbox PodSandboxBirth::finish() {
  auto sandbox = birth_.finish();
  auto client = infra::Client::connect(run_dir_, infra_socket, infra_deadline);
  if (!client) throw sys::Error("create infra: it does not answer");
  return {std::move(sandbox.pidfd), sandbox.id, std::move(*client), std::move(sandbox.leash)};
}

std::optional<PodSandbox> find_pod_sandbox(const sys::ProcessId& id, int run_dir) {
  auto pidfd = sys::open_process(id);
  if (!pidfd) return std::nullopt;
  auto client = infra::Client::connect(run_dir, infra_socket, infra_deadline);
  if (!client) return std::nullopt;
  return PodSandbox{std::move(*pidfd), id, std::move(*client), sys::UniqueFd()};
}

}  // namespace pausa::supervisor
