// What `up` would do for one pod of a manifest, before it does it: the plan of `up`, `up --dry-run`
// and `diff`.
#pragma once

#include "manifest/load.hpp"
#include "pod/changes.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <string>

namespace pausa::cli {

struct PodPlan {
  enum class Kind : std::uint8_t {
    create,    // there is none, or it has ended
    keep,      // it runs as it is wanted
    update,    // in the living pod
    recreate,  // stop and remove the one that runs, create another
  };
  Kind kind = Kind::create;
  pod::Changes changes;  // update, recreate
};

// wanted: the pod's object with absolute paths. Throws sys::Error when the stored one is damaged.
PodPlan plan_pod(const state::Store& store, const state::PodKey& key, const pod::Node& wanted);

// "shop: restart api, web", one line without its end.
std::string plan_text(const state::PodKey& key, const PodPlan& plan);

// Whether the pod is held up by a supervisor and is meant to run.
bool is_up(const state::Record& record);

}  // namespace pausa::cli
