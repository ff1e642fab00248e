#include "state/event.hpp"

#include <boost/json.hpp>

namespace pausa::state {

std::optional<Event> event_from_json(std::string_view line) {
  namespace json = boost::json;
  boost::system::error_code error;
  const json::value value = json::parse({line.data(), line.size()}, error);
  const auto* object = error ? nullptr : value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto text = [&](const char* key) {
    const auto* field = object->if_contains(key);
    return field != nullptr && field->is_string() ? std::string(field->get_string())
                                                  : std::string();
  };
  return Event{text("time"), text("type"), text("reason"), text("container"), text("message")};
}

}  // namespace pausa::state
