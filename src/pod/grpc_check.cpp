#include "pod/grpc_check.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

// Frame types and flags of RFC 9113.
enum : std::uint8_t {
  data_frame = 0,
  headers_frame = 1,
  reset_frame = 3,
  settings_frame = 4,
  ping_frame = 6,
  goaway_frame = 7
};
constexpr std::uint8_t end_stream = 1;
constexpr std::uint8_t acknowledged = 1;
constexpr std::uint8_t end_headers = 4;
constexpr std::uint8_t padded = 8;
constexpr std::uint32_t our_stream = 1;
constexpr std::size_t frame_head = 9;
// What we leave the peer with: the default of SETTINGS_MAX_FRAME_SIZE.
constexpr std::size_t longest_frame = 16384;
// A HealthCheckResponse has a handful of bytes.
constexpr std::size_t longest_body = 4096;

void add_number(std::string& out, std::uint32_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i)
    out += static_cast<char>(value >> (8U * static_cast<unsigned>(i)) & 0xffU);
}

std::uint32_t number(std::string_view bytes) {
  std::uint32_t value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  return value;
}

std::string frame_of(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                     std::string_view payload) {
  std::string out;
  add_number(out, static_cast<std::uint32_t>(payload.size()), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  add_number(out, stream, 4);
  return out.append(payload);
}

// HPACK (RFC 7541): a string without Huffman coding; all of ours are short of what 127 + 7 bits
// more can count.
void add_text(std::string& out, std::string_view text) {
  text = text.substr(0, 127 + 16383);
  if (text.size() < 127) {
    out += static_cast<char>(text.size());
  } else {
    std::size_t rest = text.size() - 127;
    out += static_cast<char>(127);
    for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
    out += static_cast<char>(rest);
  }
  out.append(text);
}

// A header that is not put into the peer's table; index: of its name in the static table, or 0.
void add_header(std::string& out, std::uint8_t index, std::string_view name,
                std::string_view value) {
  if (index < 15) {
    out += static_cast<char>(index);
  } else {
    out += static_cast<char>(15);
    out += static_cast<char>(index - 15);
  }
  if (index == 0) add_text(out, name);
  add_text(out, value);
}

// The status of a HealthCheckResponse: field 1, a varint; an absent one is 0. -1: malformed.
int serving_status(std::string_view message) {
  int status = 0;
  const auto varint = [&message](std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !message.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message.front());
      message.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (!message.empty()) {
    std::uint64_t tag = 0;
    std::uint64_t value = 0;
    if (!varint(tag)) return -1;
    std::size_t skip = 0;
    switch (tag & 7U) {
      case 0:
        if (!varint(value)) return -1;
        if (tag >> 3U == 1) status = static_cast<int>(std::min<std::uint64_t>(value, 99));
        break;
      case 1:
        skip = 8;
        break;
      case 2:
        if (!varint(value) || value > message.size()) return -1;
        skip = static_cast<std::size_t>(value);
        break;
      case 5:
        skip = 4;
        break;
      default:
        return -1;
    }
    if (skip > message.size()) return -1;
    message.remove_prefix(skip);
  }
  return status;
}

std::string status_name(int status) {
  switch (status) {
    case 0:
      return "UNKNOWN";
    case 2:
      return "NOT_SERVING";
    case 3:
      return "SERVICE_UNKNOWN";
    default:
      return std::to_string(status);
  }
}

}  // namespace

std::string grpc_request(std::string_view service, std::string_view authority) {
  std::string text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  // ENABLE_PUSH 0
  std::string settings;
  add_number(settings, 2, 2);
  add_number(settings, 0, 4);
  text += frame_of(settings_frame, 0, 0, settings);
  std::string headers;
  headers += static_cast<char>(0x83);  // :method POST
  headers += static_cast<char>(0x86);  // :scheme http
  add_header(headers, 4, ":path", "/grpc.health.v1.Health/Check");
  add_header(headers, 1, ":authority", authority);
  add_header(headers, 31, "content-type", "application/grpc");
  add_header(headers, 0, "te", "trailers");
  add_header(headers, 58, "user-agent", "kube-probe/1.36");
  text += frame_of(headers_frame, end_headers, our_stream, headers);
  // HealthCheckRequest{service}, in gRPC's envelope.
  std::string message;
  if (!service.empty()) {
    message += static_cast<char>(0x0a);
    std::size_t size = service.size();
    for (; size >= 128; size /= 128) message += static_cast<char>(size % 128 + 128);
    message += static_cast<char>(size);
    message.append(service);
  }
  std::string body(1, '\0');
  add_number(body, static_cast<std::uint32_t>(message.size()), 4);
  return text + frame_of(data_frame, end_stream, our_stream, body + message);
}

GrpcAnswer::Progress GrpcAnswer::fail(std::string message) {
  message_ = std::move(message);
  return Progress::failed;
}

GrpcAnswer::Progress GrpcAnswer::take(std::string_view bytes, std::string& replies) {
  buffer_.append(bytes);
  while (buffer_.size() >= frame_head) {
    const std::string_view head(buffer_);
    const std::size_t size = number(head.substr(0, 3));
    if (size > longest_frame) return fail("the answer is not HTTP/2");
    if (buffer_.size() < frame_head + size) break;
    const std::string payload = buffer_.substr(frame_head, size);
    const auto type = static_cast<std::uint8_t>(head[3]);
    const auto flags = static_cast<std::uint8_t>(head[4]);
    const std::uint32_t stream = number(head.substr(5, 4)) & 0x7fffffffU;
    buffer_.erase(0, frame_head + size);
    const auto progress = frame(type, flags, stream, payload, replies);
    if (progress != Progress::more) return progress;
  }
  return Progress::more;
}

GrpcAnswer::Progress GrpcAnswer::frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                                       std::string_view payload, std::string& replies) {
  switch (type) {
    case settings_frame:
      if ((flags & acknowledged) == 0) replies += frame_of(settings_frame, acknowledged, 0, {});
      return Progress::more;
    case ping_frame:
      if ((flags & acknowledged) == 0) replies += frame_of(ping_frame, acknowledged, 0, payload);
      return Progress::more;
    case goaway_frame:
      return fail("the server closes the connection");
    case reset_frame:
      return fail("the server refuses the call");
    case headers_frame:
      if (stream == our_stream && (flags & end_stream) != 0)
        return fail("the server answers without a health status (no health service?)");
      return Progress::more;
    case data_frame:
      if (stream != our_stream) return Progress::more;
      if ((flags & padded) != 0) {
        const std::size_t padding = payload.empty() ? 0 : static_cast<unsigned char>(payload[0]);
        if (payload.size() < 1 + padding) return fail("the answer is not HTTP/2");
        payload = payload.substr(1, payload.size() - 1 - padding);
      }
      return data(payload, (flags & end_stream) != 0);
    default:
      return Progress::more;  // unknown ones are to be ignored
  }
}

GrpcAnswer::Progress GrpcAnswer::data(std::string_view payload, bool end) {
  constexpr std::size_t envelope = 5;
  body_.append(payload);
  const bool whole =
      body_.size() >= envelope &&
      body_.size() - envelope >= number(std::string_view(body_).substr(1, envelope - 1));
  if (!whole) {
    if (end || body_.size() > longest_body) return fail("the answer is not a health status");
    return Progress::more;
  }
  if (body_[0] != 0) return fail("the answer is compressed, which was not asked for");
  const int status = serving_status(
      std::string_view(body_).substr(envelope, number(std::string_view(body_).substr(1, 4))));
  if (status == 1) return Progress::serving;
  if (status < 0) return fail("the answer is not a health status");
  return fail("service unhealthy (responded with \"" + status_name(status) + "\")");
}

}  // namespace pausa::pod
