// The pod's history for people: one JSON line an event, with the kubelet's reasons, appended to
// events.jsonl. Collected and written in one go, off the start path.
#pragma once

#include "state/store.hpp"

#include <string>
#include <string_view>

namespace pausa::supervisor {

class EventLog {
 public:
  EventLog(const state::Store& store, state::PodKey key) : store_(store), key_(std::move(key)) {}

  // container may be empty: the event is the pod's.
  void add(bool warning, std::string_view reason, std::string_view container,
           std::string_view message);
  // Writes what was added. A full disk costs events, never the pod.
  void flush() noexcept;

 private:
  const state::Store& store_;
  state::PodKey key_;
  std::string pending_;
};

}  // namespace pausa::supervisor
