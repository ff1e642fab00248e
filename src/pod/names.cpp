#include "pod/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace pausa::pod {
namespace {

constexpr std::string_view label_rule =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must "
    "start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view subdomain_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view label_1035_rule =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr std::string_view search_rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' "
    "or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for "
    "validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
constexpr std::string_view name_rule =
    " must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation "
    "is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr std::string_view value_rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
constexpr std::string_view env_rule =
    "a valid environment variable name must consist only of printable ASCII characters other than "
    "'='";
constexpr std::string_view key_rule =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
constexpr std::string_view header_rule =
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex "
    "used for validation is '[-A-Za-z0-9]+')";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return is_lower(c) || is_digit(c);
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

// First and last characters satisfy ends, all between also may be one of extra.
template <typename Ends>
bool has_shape(std::string_view text, Ends ends, std::string_view extra) {
  return !text.empty() && ends(text.front()) && ends(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return ends(c) || extra.find(c) != std::string_view::npos; });
}

bool is_label(std::string_view text) {
  return has_shape(text, is_lower_or_digit, "-");
}

// Whether every part between dots satisfies is_part.
template <typename Part>
bool all_parts(std::string_view text, Part is_part) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!is_part(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_search_part(std::string_view part) {
  if (part.starts_with('_')) part.remove_prefix(1);
  return has_shape(part, is_lower_or_digit, "-_");
}

std::string too_long(std::size_t most) {
  return "must be no more than " + std::to_string(most) + " characters";
}

Faults length_fault(std::string_view text, std::size_t most) {
  return text.size() > most ? Faults{too_long(most)} : Faults{};
}

std::optional<std::array<int, 4>> parse_ipv4(std::string_view text, bool* leading_zero) {
  std::array<int, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return std::nullopt;
    const std::string_view part = text.substr(0, end);
    if (!std::all_of(part.begin(), part.end(), is_digit)) return std::nullopt;
    (void)std::from_chars(part.data(), part.data() + part.size(), bytes[i]);  // three digits fit
    if (bytes[i] > 255) return std::nullopt;
    if (part.size() > 1 && part.front() == '0') *leading_zero = true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return text.empty() ? std::optional(bytes) : std::nullopt;
}

bool is_hex_group(std::string_view part) {
  return !part.empty() && part.size() <= 4 && std::all_of(part.begin(), part.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// Counts the 16-bit groups of one side of "::"; empty when it is malformed.
std::optional<int> count_groups(std::string_view text, bool last) {
  int groups = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view part = text.substr(0, colon);
    bool zero = false;
    if (is_hex_group(part)) {
      ++groups;
    } else if (last && colon == std::string_view::npos && parse_ipv4(part, &zero) && !zero) {
      groups += 2;
    } else {
      return std::nullopt;
    }
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return groups;
}

bool is_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return count_groups(text, true) == 8;
  const auto head = count_groups(text.substr(0, gap), false);
  const auto tail = count_groups(text.substr(gap + 2), true);
  return head && tail && *head + *tail <= 7;
}

}  // namespace

Faults dns_label_faults(std::string_view text) {
  Faults faults = length_fault(text, 63);
  if (!is_label(text))
    faults.emplace_back(all_parts(text, is_label) ? "must not contain dots"
                                                  : std::string(label_rule));
  return faults;
}

Faults dns_subdomain_faults(std::string_view text) {
  Faults faults = length_fault(text, 253);
  if (!all_parts(text, is_label)) faults.emplace_back(subdomain_rule);
  return faults;
}

Faults dns_1035_label_faults(std::string_view text) {
  Faults faults = length_fault(text, 63);
  if (!is_label(text) || !is_lower(text.front())) faults.emplace_back(label_1035_rule);
  return faults;
}

Faults qualified_name_faults(std::string_view text) {
  Faults faults;
  std::string_view name = text;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos)
      return {"a qualified name" + std::string(name_rule) +
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    if (prefix.empty()) {
      faults.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& fault : dns_subdomain_faults(prefix))
        faults.push_back("prefix part " + fault);
    }
  }
  if (name.empty()) faults.emplace_back("name part must be non-empty");
  if (name.size() > 63) faults.push_back("name part " + too_long(63));
  if (!has_shape(name, is_alphanumeric, "-_."))
    faults.push_back("name part" + std::string(name_rule));
  return faults;
}

Faults label_value_faults(std::string_view text) {
  Faults faults = length_fault(text, 63);
  if (!text.empty() && !has_shape(text, is_alphanumeric, "-_.")) faults.emplace_back(value_rule);
  return faults;
}

Faults port_name_faults(std::string_view text) {
  Faults faults = length_fault(text, 15);
  const bool letters_right = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower_or_digit(c) || c == '-';
  });
  if (!letters_right)
    faults.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!std::any_of(text.begin(), text.end(), is_lower))
    faults.emplace_back("must contain at least one letter (a-z)");
  if (text.find("--") != std::string_view::npos)
    faults.emplace_back("must not contain consecutive hyphens");
  if (text.starts_with('-') || text.ends_with('-'))
    faults.emplace_back("must not begin or end with a hyphen");
  return faults;
}

Faults env_name_faults(std::string_view text) {
  if (text.empty()) return {"environment variable name must be non-empty"};
  const bool printable = std::all_of(text.begin(), text.end(),
                                     [](char c) { return c >= ' ' && c <= '~' && c != '='; });
  return printable ? Faults{} : Faults{std::string(env_rule)};
}

Faults config_key_faults(std::string_view text) {
  Faults faults = length_fault(text, 253);
  const bool letters_right = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
  });
  if (!letters_right) faults.emplace_back(key_rule);
  if (text == ".")
    faults.emplace_back("must not be '.'");
  else if (text == "..")
    faults.emplace_back("must not be '..'");
  else if (text.starts_with(".."))
    faults.emplace_back("must not start with '..'");
  return faults;
}

Faults http_header_faults(std::string_view text) {
  const bool letters_right = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || c == '-';
  });
  return letters_right ? Faults{} : Faults{std::string(header_rule)};
}

Faults search_domain_faults(std::string_view text) {
  Faults faults = length_fault(text, 253);
  if (!all_parts(text, is_search_part)) faults.emplace_back(search_rule);
  return faults;
}

Faults ip_faults(std::string_view text) {
  bool leading_zero = false;
  const bool v4 = parse_ipv4(text, &leading_zero).has_value();
  if (v4 && leading_zero) return {"must not have leading 0s"};
  if (v4) return {};
  if (!is_ipv6(text)) return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (lower.starts_with("::ffff:") && lower.find('.') != std::string::npos)
    return {"must not be an IPv4-mapped IPv6 address"};
  return {};
}

bool is_ip(std::string_view text) {
  return ip_faults(text).empty();
}

}  // namespace pausa::pod
