// The record of a pod: everything that a command or the next supervisor must know, as one JSON file
// that is replaced atomically. What is visible on the host is named here *before* it is made, so
// that whoever finds the record can finish or remove it.
#pragma once

#include "pod/lifecycle.hpp"
#include "state/paths.hpp"
#include "sys/namespace.hpp"
#include "sys/process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::state {

// What the user wants. The supervisor acts on it; who finds a dead one goes on with it.
enum class Desired : std::uint8_t { running, stopped, removed };

struct ContainerRecord {
  std::string name;
  bool init = false;
  std::string ephemeral;  // the object of one that was added while the pod ran, as JSON
  std::string image;
  sys::ProcessId process;    // on the host; pid 0: none
  std::int32_t pod_pid = 0;  // in the pod's PID namespace
  std::uint32_t slot = 0;    // in infra's exit table
  std::uint32_t generation = 0;
  std::string rootfs;  // its folder under the data directory ("containers/web.0")
  bool own_pid_namespace = false;
  std::uint64_t oom_kills = 0;  // of its cgroup when the instance was started
};

// How a pod with a network of its own reaches others.
struct NetworkRecord {
  // user: on the bridge in the network that the user's pods share (user_network.hpp).
  enum class Mode : std::uint8_t { loopback, bridge, user };
  Mode mode = Mode::loopback;
  std::string bridge;        // on which it is
  std::string veth;          // its interface on the host
  std::uint32_t number = 0;  // of its addresses there; 0: none yet
  std::string ipv4;
  std::string ipv6;  // empty: none
};

// The image of a volume of the kind image.
struct VolumeRecord {
  std::string name;
  std::string image;  // as ContainerRecord::image
};

struct Record {
  static constexpr int current_version = 1;
  int version = current_version;
  PodKey key;
  std::string uid;
  std::string boot_id;
  std::int64_t created_ns = 0;  // wall clock
  Desired desired = Desired::running;
  bool user_namespace = false;  // the pod has one of its own, made by root (hostUsers: false)
  std::uint32_t id_base = 0;    // the first of its ids on the host
  std::string cgroup;           // the pod's group; empty: none
  NetworkRecord network;
  pod::BackoffPolicy backoff;
  bool exact_probes = false;  // no fast polls until a probe's first success

  sys::ProcessId infra;
  sys::ProcessId supervisor;
  sys::ProcessId guard;
  sys::NamespaceInodes namespaces{};  // infra's

  pod::PodState state;
  std::vector<ContainerRecord> containers;  // as state.containers
  std::vector<VolumeRecord> volumes;

  // A container's group, by its name below every hierarchy; empty: none.
  std::string cgroup_of(const ContainerRecord& container) const {
    return cgroup.empty() ? "" : cgroup + "/" + container.name;
  }
};

std::string to_json(const Record& record);
// Throws sys::Error when the text is no record of a version that we know; the pod is left alone.
Record record_from_json(const std::string& text);

}  // namespace pausa::state
