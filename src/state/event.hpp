// One line of a pod's events.jsonl, its history for people. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pausa::state {

struct Event {
  std::string time;  // RFC 3339
  std::string type;  // "Normal" or "Warning"
  std::string reason;
  std::string container;  // empty: the pod's own
  std::string message;
};

// nullopt: not a line of ours (one that a full disk cut off, say).
std::optional<Event> event_from_json(std::string_view line);

}  // namespace pausa::state
