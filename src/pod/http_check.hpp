// An HTTP check on paper: the request, the answer as it comes in, and where a redirect leads. Pure.
#pragma once

#include "pod/health.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

// Where a request goes.
struct HttpPlace {
  bool https = false;
  std::string host;  // as in a URL: an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path = "/";
};

std::string url_of(const HttpPlace& place);
std::string http_request(const HttpPlace& place, const HttpCheck& check);

// The head of an answer; what follows it is of no interest.
class HttpAnswer {
 public:
  enum class Progress : std::uint8_t { more, done, malformed };
  Progress take(std::string_view bytes);

  int status() const { return status_; }
  const std::string& location() const { return location_; }  // empty: none
  // Whether a client goes on to `location`.
  bool redirects() const;

 private:
  Progress parse(std::size_t end);
  std::string head_;
  int status_ = 0;
  std::string location_;
};

// What a Location header means, seen from `here`; nullopt when it is no place for HTTP.
std::optional<HttpPlace> redirect(const HttpPlace& here, std::string_view location);

}  // namespace pausa::pod
