// The user namespaces around pods, of which there are two kinds.
//
// Without root (geteuid() != 0) the supervisor itself lives in one, with all that it makes: as uid
// 0 there it may mount and make namespaces, and the user's subordinate ids exist. Pods on the
// user's bridge share one, to which that network belongs (user_network.hpp); each other pod has its
// own. Infra is born in it, so that whoever comes later (the next supervisor, `exec`) finds it
// through infra's pidfd. Commands that only read, or that talk to the supervisor, need not enter.
//
// With root and hostUsers: false the supervisor stays outside; infra gets a user namespace of its
// own onto a block of 65,536 ids that no other pod has, and members join it.
//
// Entering is for good and for single-threaded processes. Errors are sys::Error and say what to
// install or to switch on. Not for child zones.
#pragma once

#include "pod/spec.hpp"
#include "state/store.hpp"
#include "supervisor/host.hpp"
#include "sys/fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pausa::supervisor {

// Makes a user namespace with all ids that the calling user may map, and a mount namespace below
// it, and becomes root in there. For a user without privilege.
void enter_new_user_namespace();
// The same with the user namespace in which a pod's infra lives.
void enter_pod_user_namespace(int infra_pidfd);
// The same with the one to which a namespace belongs; we may be in there already.
void enter_user_namespace_of(int ns);

// For the supervisor of a pod and for those who execute something in it: without root, enters
// infra's user namespace (infra_pidfd >= 0), else that to which `network` belongs (>= 0), else a
// new one, and notes in `host` what holds there. Nothing as root.
void enter_user_namespace(Host& host, int infra_pidfd, int network = -1);

// Runs the work where files of subordinate ids can be removed: right here as root, else in a child
// in a user namespace of its own. An exception of the work is thrown here, as sys::Error.
void with_subordinate_ids(const std::function<void()>& work);

// How many ids from 0 on the pod's members have.
std::uint32_t mapped_ids(const Host& host, const state::Record& record);
// Throws when the pod asks for an id that is not mapped for it.
void require_mapped(std::uint32_t id, std::uint32_t mapped, const std::string& what);
void require_mapped_ids(const pod::Spec& spec, std::uint32_t mapped);

// Infra's user namespace, as a descriptor.
sys::UniqueFd open_user_namespace(int infra_pidfd);

// The devices that a container in a user namespace gets from the host: names and detached mounts.
std::vector<std::pair<std::string, sys::UniqueFd>> open_host_devices();

// Gives the pod of the record a block of ids that no other pod of the store and no user of
// /etc/subuid and /etc/subgid has, and writes the record before anybody else can choose.
void allocate_ids(const state::Store& store, state::Record& record);

}  // namespace pausa::supervisor
