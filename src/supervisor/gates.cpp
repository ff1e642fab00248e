// The supervisor's part for conditions that somebody outside sets.
#include "manifest/reader.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"

namespace pausa::supervisor {

// object: {type, status, reason, message}, as in the pod's status.
control::Reply Supervisor::set_condition(const std::string& object) {
  const auto read = manifest::read({{"condition.json", object, "/"}});
  if (read.documents.size() != 1) return {false, "the condition is damaged"};
  const auto text_of = [&](const char* key) {
    const auto* found = read.documents.front().root.find(key);
    return found == nullptr ? std::string() : found->text;
  };
  pod::event::SetGate set;
  set.gate.type = text_of("type");
  set.gate.holds = text_of("status") == "True";
  set.gate.reason = text_of("reason");
  set.gate.message = text_of("message");
  set.wall = wall_now();
  if (set.gate.type.empty()) return {false, "the condition has no type"};
  feed(set);
  save();  // whoever is answered finds it set
  return {};
}

}  // namespace pausa::supervisor
