#include "pod/grpc_check.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using Progress = GrpcAnswer::Progress;
using namespace std::string_literals;

namespace {

std::string frame(int type, int flags, const std::string& payload, int stream = 1) {
  const auto size = static_cast<char>(payload.size());
  return "\0\0"s + size + static_cast<char>(type) + static_cast<char>(flags) + "\0\0\0"s +
         static_cast<char>(stream) + payload;
}

std::string message(const std::string& body) {
  return "\0\0\0\0"s + static_cast<char>(body.size()) + body;
}

Progress feed(const std::string& bytes, std::string* why = nullptr) {
  GrpcAnswer answer;
  std::string replies;
  const auto progress = answer.take(bytes, replies);
  if (why != nullptr) *why = answer.message();
  return progress;
}

}  // namespace

TEST_SUITE("pod/grpc_check") {
  TEST_CASE("the request is a preface, settings, headers and one message") {
    const std::string request = grpc_request("db", "127.0.0.1:9");
    CHECK(request.starts_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    CHECK(request.find("\x04\x1c/grpc.health.v1.Health/Check") != std::string::npos);
    CHECK(
        request.ends_with("\0\0\x09\0\x01\0\0\0\x01\0\0\0\0\x04\x0a\x02"
                          "db"s));
    CHECK(grpc_request("", "h").ends_with("\0\0\x05\0\x01\0\0\0\x01\0\0\0\0\0"s));
  }

  TEST_CASE("SERVING in a message is success, whatever comes with it") {
    GrpcAnswer answer;
    std::string replies;
    CHECK(answer.take(frame(4, 0, "", 0), replies) == Progress::more);
    CHECK(replies == frame(4, 1, "", 0));
    replies.clear();
    CHECK(answer.take(frame(6, 0, "12345678", 0), replies) == Progress::more);
    CHECK(replies == frame(6, 1, "12345678", 0));
    CHECK(answer.take(frame(8, 0, "\0\0\1\0"s, 0), replies) == Progress::more);
    CHECK(answer.take(frame(1, 4, "\x88"), replies) == Progress::more);
    const std::string data = frame(0, 0, message("\x08\x01"));
    CHECK(answer.take(data.substr(0, 11), replies) == Progress::more);
    CHECK(answer.take(data.substr(11), replies) == Progress::serving);
  }

  TEST_CASE("padding and unknown fields are passed over") {
    CHECK(feed(frame(0, 8, "\x02"s + message("\x12\x01x\x08\x01") + "\0\0"s)) == Progress::serving);
  }

  TEST_CASE("anything else fails with a reason") {
    std::string why;
    CHECK(feed(frame(0, 0, message("\x08\x02")), &why) == Progress::failed);
    CHECK(why == "service unhealthy (responded with \"NOT_SERVING\")");
    CHECK(feed(frame(0, 0, message("")), &why) == Progress::failed);
    CHECK(why == "service unhealthy (responded with \"UNKNOWN\")");
    CHECK(feed(frame(1, 5, "\x88"), &why) == Progress::failed);
    CHECK(why.find("no health service") != std::string::npos);
    CHECK(feed(frame(0, 1, "\0\0"s)) == Progress::failed);
    CHECK(feed(frame(0, 8, "\x09"s)) == Progress::failed);
    CHECK(feed(frame(0, 0, message("\x0f"))) == Progress::failed);
    CHECK(feed(frame(0, 0, "\1\0\0\0\0"s)) == Progress::failed);
    CHECK(feed(frame(3, 0, "\0\0\0\0"s)) == Progress::failed);
    CHECK(feed(frame(7, 0, "\0\0\0\0\0\0\0\0"s, 0)) == Progress::failed);
    CHECK(feed("HTTP/1.1 400 Bad Request\r\n\r\n") == Progress::failed);
  }
}
