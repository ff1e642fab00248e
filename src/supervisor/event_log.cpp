#include "supervisor/event_log.hpp"

#include "pod/node.hpp"
#include "pod/time_text.hpp"

namespace pausa::supervisor {

void EventLog::add(bool warning, std::string_view reason, std::string_view container,
                   std::string_view message) {
  using pod::Node;
  Node event = Node::make_map();
  event.set("time", Node::make_string(
                        pod::rfc3339_nano(std::chrono::system_clock::now().time_since_epoch())));
  event.set("type", Node::make_string(warning ? "Warning" : "Normal"));
  event.set("reason", Node::make_string(std::string(reason)));
  if (!container.empty()) event.set("container", Node::make_string(std::string(container)));
  event.set("message", Node::make_string(std::string(message)));
  if (!pending_.empty()) pending_ += '\n';
  pending_ += pod::to_json(event);
}

void EventLog::flush() noexcept {
  if (pending_.empty()) return;
  try {
    store_.append_event(key_, pending_);
  } catch (const std::exception&) {
    // Nobody to tell, and nothing that the pod needs.
  }
  pending_.clear();
}

}  // namespace pausa::supervisor
