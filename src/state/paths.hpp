// Where everything of ours lies. Two roots: the run root on a tmpfs (void after a reboot) and the
// data root on a disk. PAUSA_RUNROOT and PAUSA_ROOT move them.
//
//   RUNROOT/pods/NAMESPACE_NAME/   pod.json (the record), lock, infra.sock, control.sock, files/
//   RUNROOT/pods/.removed-UID/     what is left of one, until it is swept
//   RUNROOT/network/bridges/NAME/  a bridge's range, leases/ADDRESS: whose it is
//   RUNROOT/network/names/         a file for each name that the resolver knows (net/name_book.hpp)
//   RUNROOT/network/services/      the range of Services, what their table was last made of
//   RUNROOT/network/policies/      what the tables of policies were last made of, gates/UID: whom a
//                                  guarded pod's own ports admit (net/policy.hpp)
//   RUNROOT/network/uplink         who keeps the network of a user's pods
//   RUNROOT/mounts/                images that are mounted to look at
//   ROOT/pods/NAMESPACE_NAME/      manifest.json (the Pod as given), origin (the file that brought
//                                  it), containers/, volumes/, logs/, events.jsonl,
//                                  supervisor.error (while it cannot work)
//   ROOT/objects/                  ConfigMaps, Secrets, claims… (state/object_store.hpp)
//   ROOT/jobs/NAMESPACE_NAME/      a Job (state/job_store.hpp)
//   ROOT/networks/NAME             what a named network is to be (supervisor/networks.hpp)
//   ROOT/volumes/NAMESPACE_NAME/   the data of a claim
//   ROOT/undo/                     what an up is about to change (state/journal.hpp)
//   ROOT/trash/                    what was removed, until it is swept
//   ROOT/rootfs/                   unpacked images
#pragma once

#include <string>
#include <string_view>

namespace pausa::state {

// A pod's (or an object's) name in its namespace (Kubernetes' namespace: a label that groups pods
// of one project).
struct PodKey {
  std::string namespace_ = "default";
  std::string name;

  // The directory's name. '_' is in neither part (RFC 1123), so the two cannot run together.
  std::string folder() const { return namespace_ + "_" + name; }
  bool operator==(const PodKey&) const = default;
};

struct Paths {
  std::string root;
  std::string run_root;

  // From the environment, else /var/lib/pausa and /run/pausa as root, $XDG_DATA_HOME/pausa and
  // $XDG_RUNTIME_DIR/pausa otherwise.
  static Paths from_environment();

  std::string run_pods() const { return run_root + "/pods"; }
  std::string data_pods() const { return root + "/pods"; }
  std::string run_dir(const PodKey& key) const { return run_pods() + "/" + key.folder(); }
  std::string data_dir(const PodKey& key) const { return data_pods() + "/" + key.folder(); }
  std::string volumes() const { return root + "/volumes"; }
  std::string volume_dir(const PodKey& claim) const { return volumes() + "/" + claim.folder(); }
  std::string objects() const { return root + "/objects"; }
  std::string undo() const { return root + "/undo"; }
  std::string jobs() const { return root + "/jobs"; }
  std::string trash() const { return root + "/trash"; }
  std::string network() const { return run_root + "/network"; }
};

}  // namespace pausa::state
