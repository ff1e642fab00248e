#include "state/json_node.hpp"

#include <boost/json.hpp>

namespace pausa::state {
namespace {

namespace json = boost::json;

pod::Node to_node(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return {};
    case json::kind::bool_:
      return pod::Node::make_boolean(value.get_bool());
    case json::kind::int64:
    case json::kind::uint64:
      return pod::Node::make_integer(value.to_number<std::int64_t>());
    case json::kind::double_:
      return pod::Node::make_real(value.get_double());
    case json::kind::string:
      return pod::Node::make_string(std::string(value.get_string()));
    case json::kind::array: {
      pod::Node list = pod::Node::make_list();
      for (const auto& item : value.get_array()) list.push(to_node(item));
      return list;
    }
    case json::kind::object: {
      pod::Node map = pod::Node::make_map();
      for (const auto& [key, item] : value.get_object()) map.set(key, to_node(item));
      return map;
    }
  }
  return {};
}

}  // namespace

std::optional<pod::Node> node_from_json(const std::string& text) {
  boost::system::error_code error;
  // A Job's pods may be described deeper than Boost's default of 32.
  json::parse_options options;
  options.max_depth = 128;
  const json::value value = json::parse(text, error, {}, options);
  if (error || !value.is_object()) return std::nullopt;
  return to_node(value);
}

}  // namespace pausa::state
