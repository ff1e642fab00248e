// A gRPC health check on paper (grpc.health.v1.Health/Check over HTTP/2 without TLS): what is sent,
// and the answer as it comes in. One request on one connection, so that of HTTP/2 only frames are
// needed: header blocks of the answer are not decoded, since the message alone decides. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pausa::pod {

// The connection's preface and the whole request.
std::string grpc_request(std::string_view service, std::string_view authority);

class GrpcAnswer {
 public:
  enum class Progress : std::uint8_t { more, serving, failed };
  // replies: what is to be sent back first (acknowledgements) is appended to it.
  Progress take(std::string_view bytes, std::string& replies);
  // Why it failed.
  const std::string& message() const { return message_; }

 private:
  Progress frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                 std::string_view payload, std::string& replies);
  Progress data(std::string_view payload, bool end);
  Progress fail(std::string message);
  std::string buffer_;
  std::string body_;
  std::string message_;
};

}  // namespace pausa::pod
