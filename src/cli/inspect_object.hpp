// One pod as the JSON that `inspect` and `ps -o json` promise: the Kubernetes Pod with its status,
// and below the key "pausa" what is ours: processes, namespaces, groups and logs.
#pragma once

#include "pod/node.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"

#include <optional>

namespace pausa::cli {

// What is true of the record now: of an earlier boot, nothing runs any more.
state::Record as_of_now(state::Record record);

// A pod that was ended without anybody hearing how its containers ended.
state::Record ended_unheard(state::Record record, const std::string& why);

// Throws NoSuchObject when the pod was removed meanwhile, sys::Error when its stored manifest is
// gone or damaged.
pod::Node inspect_object(const state::Store& store, const state::Record& record);
// A pod that has data but no record since the machine was restarted.
pod::Node inspect_without_record(const state::Store& store, const state::PodKey& key);

// {"pid": inode, "net": …}, kinds as /proc/PID/ns names them.
pod::Node namespaces_node(const sys::NamespaceInodes& inodes);
// Those of a recorded process, all 0 when it is gone.
sys::NamespaceInodes namespaces_of(const sys::ProcessId& process);

}  // namespace pausa::cli
