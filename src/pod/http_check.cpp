#include "pod/http_check.hpp"

#include <algorithm>
#include <charconv>

namespace pausa::pod {
namespace {

constexpr std::size_t longest_head = std::size_t{64} * 1024;

std::uint16_t default_port(bool https) {
  return https ? 443 : 80;
}

std::string authority(const HttpPlace& place) {
  std::string text =
      place.host.find(':') == std::string::npos ? place.host : "[" + place.host + "]";
  if (place.port != default_port(place.https)) text += ":" + std::to_string(place.port);
  return text;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// The path without what a browser keeps to itself; nothing that would end the request's line.
std::string plain_path(std::string_view path) {
  path = path.substr(0, path.find('#'));
  std::string text(path);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '+');
  if (!text.starts_with('/')) text.insert(0, "/");
  return text;
}

}  // namespace

std::string url_of(const HttpPlace& place) {
  return (place.https ? "https://" : "http://") + authority(place) + place.path;
}

std::string http_request(const HttpPlace& place, const HttpCheck& check) {
  bool host = false;
  bool agent = false;
  bool accept = false;
  std::string headers;
  for (const auto& [name, value] : check.headers) {
    // A line break in a value would begin a header of its own.
    if (value.find_first_of("\r\n") != std::string::npos) continue;
    host = host || same_word(name, "Host");
    agent = agent || same_word(name, "User-Agent");
    accept = accept || same_word(name, "Accept");
    // An empty value of these two takes the header away, as for the kubelet.
    if (value.empty() && (same_word(name, "User-Agent") || same_word(name, "Accept"))) continue;
    headers += name + ": " + value + "\r\n";
  }
  std::string text = "GET " + plain_path(place.path) + " HTTP/1.1\r\n";
  if (!host) text += "Host: " + authority(place) + "\r\n";
  if (!agent) text += "User-Agent: kube-probe/1.36\r\n";
  if (!accept) text += "Accept: */*\r\n";
  return text + headers + "Connection: close\r\n\r\n";
}

HttpAnswer::Progress HttpAnswer::take(std::string_view bytes) {
  const std::size_t before = head_.size();
  head_.append(bytes);
  // An interim answer (1xx) is followed by another.
  for (std::size_t from = before > 3 ? before - 3 : 0;;) {
    const auto crlf = head_.find("\r\n\r\n", from);
    const auto end = std::min(crlf, head_.find("\n\n", from));
    if (end == std::string::npos) break;
    const auto progress = parse(end);
    if (progress != Progress::more) return progress;
    head_.erase(0, end + (end == crlf ? 4 : 2));
    from = 0;
  }
  return head_.size() > longest_head ? Progress::malformed : Progress::more;
}

HttpAnswer::Progress HttpAnswer::parse(std::size_t end) {
  std::string_view head(head_.data(), end);
  const auto next_line = [&head] {
    const auto at = head.find('\n');
    const std::string_view line = head.substr(0, at);
    head.remove_prefix(at == std::string_view::npos ? head.size() : at + 1);
    return line;
  };
  // "HTTP/1.1 200 OK"
  const std::string_view line = next_line();
  const auto space = line.find(' ');
  if (!line.starts_with("HTTP/1.") || space == std::string_view::npos || line.size() < space + 4)
    return Progress::malformed;
  const auto [last, failed] =
      std::from_chars(line.data() + space + 1, line.data() + space + 4, status_);
  if (failed != std::errc() || last != line.data() + space + 4 || status_ < 100)
    return Progress::malformed;
  if (status_ < 200 && status_ != 101) return Progress::more;
  while (!head.empty()) {
    const std::string_view header = next_line();
    const auto colon = header.find(':');
    if (colon != std::string_view::npos && same_word(header.substr(0, colon), "Location"))
      location_ = trimmed(header.substr(colon + 1));
  }
  return Progress::done;
}

bool HttpAnswer::redirects() const {
  return !location_.empty() &&
         (status_ == 301 || status_ == 302 || status_ == 303 || status_ == 307 || status_ == 308);
}

std::optional<HttpPlace> redirect(const HttpPlace& here, std::string_view location) {
  HttpPlace place = here;
  if (const auto scheme = location.find("://");
      scheme != std::string_view::npos && scheme < location.find_first_of("/?#")) {
    const auto name = location.substr(0, scheme);
    if (!same_word(name, "http") && !same_word(name, "https")) return std::nullopt;
    place.https = same_word(name, "https");
    location.remove_prefix(scheme + 1);
  }
  if (location.starts_with("//")) {
    location.remove_prefix(2);
    const auto end = std::min(location.find_first_of("/?#"), location.size());
    auto authority = location.substr(0, end);
    location.remove_prefix(end);
    if (const auto at = authority.rfind('@'); at != std::string_view::npos)
      authority.remove_prefix(at + 1);
    place.port = default_port(place.https);
    auto port = std::string_view();
    if (authority.starts_with('[')) {
      const auto close = authority.find(']');
      if (close == std::string_view::npos) return std::nullopt;
      place.host = authority.substr(1, close - 1);
      if (authority.substr(close + 1).starts_with(':')) port = authority.substr(close + 2);
    } else {
      const auto colon = std::min(authority.find(':'), authority.size());
      place.host = authority.substr(0, colon);
      if (colon < authority.size()) port = authority.substr(colon + 1);
    }
    if (!port.empty()) {
      const auto [last, failed] =
          std::from_chars(port.data(), port.data() + port.size(), place.port);
      if (failed != std::errc() || last != port.data() + port.size() || place.port == 0)
        return std::nullopt;
    }
    if (place.host.empty()) return std::nullopt;
    place.path = "/";
  }
  if (location.starts_with('/')) {
    place.path = location;
  } else if (location.starts_with('?')) {
    place.path = place.path.substr(0, place.path.find('?')) + std::string(location);
  } else if (!location.empty() && !location.starts_with('#')) {
    const auto plain = place.path.substr(0, place.path.find('?'));
    place.path = plain.substr(0, plain.rfind('/') + 1) + std::string(location);
  }
  place.path = plain_path(place.path);
  return place;
}

}  // namespace pausa::pod
