#include "image/reference.hpp"

#include <algorithm>

namespace pausa::image {
namespace {

constexpr std::size_t most_name = 255;
constexpr std::size_t most_tag = 128;

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alnum(char c) {
  return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

// Lower-case words, between them one dot, one or two underscores, or any number of dashes.
bool is_component(std::string_view text) {
  for (std::size_t at = 0;;) {
    const std::size_t word = at;
    while (at < text.size() && (is_lower(text[at]) || is_digit(text[at]))) ++at;
    if (at == word) return false;
    if (at == text.size()) return true;
    const std::size_t separator = at;
    while (at < text.size() && text[at] == text[separator]) ++at;
    const std::size_t count = at - separator;
    const char kind = text[separator];
    if (!(kind == '-' || (kind == '.' && count == 1) || (kind == '_' && count <= 2))) return false;
  }
}

bool is_host(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    return std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(close),
                       [](char c) { return is_alnum(c) || c == ':'; }) &&
           (close + 1 == text.size() || text[close + 1] == ':');
  }
  const std::string_view name = text.substr(0, text.find(':'));
  if (name.empty() || name.front() == '-' || name.back() == '-') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return is_alnum(c) || c == '.' || c == '-'; }) &&
         name.find("..") == std::string_view::npos && name.front() != '.' && name.back() != '.';
}

bool is_registry(std::string_view text) {
  if (!is_host(text)) return false;
  const std::size_t bracket = text.find(']');
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return true;
  const std::string_view port = text.substr(colon + 1);
  return !port.empty() && port.size() <= 5 && std::all_of(port.begin(), port.end(), is_digit);
}

bool is_tag(std::string_view text) {
  const auto word = [](char c) { return is_alnum(c) || c == '_'; };
  return !text.empty() && text.size() <= most_tag && word(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return word(c) || c == '.' || c == '-'; });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// The text between its quotes, and what follows them.
std::optional<std::string_view> take_quoted(std::string_view& rest) {
  rest = trim(rest);
  if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) return std::nullopt;
  const std::size_t end = rest.find(rest.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto text = rest.substr(1, end - 1);
  rest = trim(rest.substr(end + 1));
  return text;
}

}  // namespace

bool is_digest(std::string_view text) {
  const bool known = (text.starts_with("sha256:") && text.size() == 7 + 64) ||
                     (text.starts_with("sha512:") && text.size() == 7 + 128);
  return known && std::all_of(text.begin() + 7, text.end(),
                              [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string Reference::name() const {
  return registry.empty() ? repository : registry + "/" + repository;
}

std::string Reference::full() const {
  std::string text = name();
  if (!tag.empty())
    text += ":" + tag;
  else if (digest.empty())
    text += ":latest";
  if (!digest.empty()) text += "@" + digest;
  return text;
}

std::variant<Reference, std::string> parse_reference(std::string_view text) {
  using namespace std::string_literals;
  Reference reference;
  if (text.empty()) return "an image needs a name"s;
  if (const std::size_t at = text.find('@'); at != std::string_view::npos) {
    reference.digest = text.substr(at + 1);
    if (!is_digest(reference.digest))
      return "the digest is malformed: it is \"sha256:\" and 64 digits 0-9 and a-f"s;
    text = text.substr(0, at);
  }
  const std::size_t slash = text.rfind('/');
  const std::size_t colon = text.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    reference.tag = text.substr(colon + 1);
    if (!is_tag(reference.tag)) return "the tag is malformed"s;
    text = text.substr(0, colon);
  }
  const std::size_t first = text.find('/');
  const std::string_view head = text.substr(0, first);
  if (first != std::string_view::npos &&
      (head.find_first_of(".:") != std::string_view::npos || head == "localhost")) {
    if (!is_registry(head)) return "\"" + std::string(head) + "\" is no registry";
    reference.registry = head;
    text.remove_prefix(first + 1);
  }
  if (reference.registry == "index.docker.io") reference.registry = "docker.io";
  reference.repository = text;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    if (!is_component(text.substr(at, end - at))) {
      if (std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
        return "the name must be lower-case"s;
      return "the name is malformed: words of a-z and 0-9, with . _ or - between them"s;
    }
    at = end + 1;
  }
  // Docker's own images live in one namespace there.
  if (reference.registry == "docker.io" && text.find('/') == std::string_view::npos)
    reference.repository = "library/" + reference.repository;
  if (reference.name().size() > most_name) return "the name is longer than 255 characters"s;
  return reference;
}

std::optional<std::string> find_alias(std::string_view configuration, std::string_view name) {
  bool inside = false;
  while (!configuration.empty()) {
    const std::size_t end = std::min(configuration.find('\n'), configuration.size());
    std::string_view line = trim(configuration.substr(0, end));
    configuration.remove_prefix(std::min(end + 1, configuration.size()));
    if (line.empty() || line.front() == '#') continue;
    if (line.front() == '[') {
      inside = line.starts_with("[aliases]");
      continue;
    }
    if (!inside) continue;
    const auto key = take_quoted(line);
    if (!key || *key != name || !line.starts_with('=')) continue;
    line.remove_prefix(1);
    if (const auto value = take_quoted(line)) return std::string(*value);
  }
  return std::nullopt;
}

}  // namespace pausa::image
