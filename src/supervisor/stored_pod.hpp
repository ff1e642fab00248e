// The Pod as it was given and stored, as a tree and decoded. It was validated before it was stored,
// and is not again: what was allowed when the pod was started stays allowed.
#pragma once

#include "pod/node.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"
#include "sys/error.hpp"

#include <optional>

namespace pausa::supervisor {

struct StoredPod {
  pod::Node object;
  pod::Pod pod;
};

// The pod was removed while somebody looked at it, or is not made yet.
class PodGone : public sys::Error {
 public:
  using sys::Error::Error;
};

// nullopt: the store has none. Throws sys::Error when it is damaged.
std::optional<StoredPod> find_stored_pod(const state::Store& store, const state::PodKey& key);
// As above; throws when there is none, too.
StoredPod read_stored_pod(const state::Store& store, const state::PodKey& key);
// The same with the containers that were added to the pod while it runs, of which its record tells.
// The record may be older than what the store has now: throws PodGone, too.
StoredPod read_living_pod(const state::Store& store, const state::Record& record);
void add_ephemeral(StoredPod& stored, const state::Record& record);
// The one that is to take its place.
StoredPod read_staged_pod(const state::Store& store, const state::PodKey& key);

}  // namespace pausa::supervisor
