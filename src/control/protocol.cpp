#include "control/protocol.hpp"

#include <boost/json.hpp>

#include <array>

namespace pausa::control {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 8> op_names{"ping",    "stop",   "remove", "restart",
                                                   "refresh", "update", "add",    "condition"};

std::optional<json::object> parse_object(std::string_view packet) {
  boost::system::error_code error;
  json::value value = json::parse({packet.data(), packet.size()}, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.as_object());
}

}  // namespace

std::string encode(const Request& request) {
  json::object object;
  object["op"] = op_names[static_cast<std::size_t>(request.op)];
  if (!request.container.empty()) object["container"] = request.container;
  if (!request.object.empty()) object["object"] = request.object;
  if (!request.images.empty()) object["images"] = json::value_from(request.images);
  if (request.grace_ms) object["graceMs"] = *request.grace_ms;
  return json::serialize(object);
}

std::string encode(const Reply& reply) {
  json::object object;
  object["ok"] = reply.ok;
  if (!reply.ok) object["error"] = reply.error;
  return json::serialize(object);
}

std::optional<Request> decode_request(std::string_view packet) {
  const auto object = parse_object(packet);
  if (!object) return std::nullopt;
  Request request;
  const auto* op = object->if_contains("op");
  if (op == nullptr || !op->is_string()) return std::nullopt;
  std::size_t index = 0;
  while (index < op_names.size() && op_names[index] != std::string_view(op->get_string())) ++index;
  if (index == op_names.size()) return std::nullopt;
  request.op = static_cast<Op>(index);
  if (const auto* container = object->if_contains("container")) {
    if (!container->is_string()) return std::nullopt;
    request.container = std::string(container->get_string());
  }
  if (const auto* given = object->if_contains("object")) {
    if (!given->is_string()) return std::nullopt;
    request.object = std::string(given->get_string());
  }
  if (const auto* images = object->if_contains("images")) {
    const auto given = json::try_value_to<std::vector<std::string>>(*images);
    if (!given) return std::nullopt;
    request.images = *given;
  }
  if (const auto* grace = object->if_contains("graceMs")) {
    if (!grace->is_int64() || grace->get_int64() < 0) return std::nullopt;
    request.grace_ms = grace->get_int64();
  }
  return request;
}

std::optional<Reply> decode_reply(std::string_view packet) {
  const auto object = parse_object(packet);
  if (!object) return std::nullopt;
  const auto* ok = object->if_contains("ok");
  if (ok == nullptr || !ok->is_bool()) return std::nullopt;
  Reply reply;
  reply.ok = ok->get_bool();
  if (const auto* error = object->if_contains("error"); error != nullptr && error->is_string())
    reply.error = std::string(error->get_string());
  return reply;
}

}  // namespace pausa::control
