// The pods of a set, each on its way: changed in place, made anew or made for the first time, at
// the same time where nothing orders them.
#pragma once

#include "cli/plan_set.hpp"
#include "cli/start_pod.hpp"
#include "cli/wait_pod.hpp"
#include "cli/workloads.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::cli {

// A pod as it is wanted, and what that means for the one that is there.
struct WantedPod {
  manifest::LoadedPod loaded;
  PodImages images;
  PodPlan plan;
  StartOptions options;
  Turn turn = Turn::any;  // with regard to the pod before it
};

state::PodKey key_of(const WantedPod& pod);

class Procession {
 public:
  // kept: image::Library::keep_all(), let go when records name the images.
  Procession(const state::Store& store, std::vector<WantedPod> pods, sys::UniqueFd kept);

  const std::vector<state::PodKey>& keys() const { return keys_; }

  // Sets all on their way that need not wait for their turn. False: interrupted. Throws sys::Error.
  bool begin(const Patience& patience);
  // Until it has run, or will not. To be asked in the order of the pods.
  StartResult await(std::size_t i, const Patience& patience);

 private:
  struct Way {
    std::optional<SupervisorCall> update;
    StartingPod starting;
    bool begun = false;
  };

  void tell_changes() const;
  // The pod before it of the same workload has run by now, or never will; it may have to be ready.
  StartResult await_turn(std::size_t i, const Patience& patience) const;
  // Those that are made anew end at the same time.
  template <typename Counts>
  void make_room(Counts counts);
  void begin_update_of(std::size_t i);
  void begin_start_of(std::size_t i);
  void start(std::size_t i);
  // A start has written its record, a change has when it is answered.
  void let_images_go();

  const state::Store& store_;
  std::vector<WantedPod> pods_;
  std::vector<state::PodKey> keys_;
  std::vector<Way> ways_;
  sys::UniqueFd kept_;
  StartResult::Kind last_ = StartResult::Kind::running;  // of the pod before
};

}  // namespace pausa::cli
