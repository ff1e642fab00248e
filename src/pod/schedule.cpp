#include "pod/schedule.hpp"

#include "pod/duration.hpp"
#include "pod/suggest.hpp"
#include "pod/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <vector>

namespace pausa::pod {
namespace {

constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                  "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> days{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::array<std::string_view, 7> descriptors{"@yearly", "@annually", "@monthly", "@weekly",
                                                      "@daily",  "@midnight", "@hourly"};

struct Field {
  std::string_view name;
  int low, high;
  std::span<const std::string_view> words;  // of low, low+1, …
};
constexpr std::array<Field, 5> fields{{{"minute", 0, 59, {}},
                                       {"hour", 0, 23, {}},
                                       {"day of month", 1, 31, {}},
                                       {"month", 1, 12, months},
                                       {"day of week", 0, 6, days}}};

std::optional<int> number(std::string_view text, const Field& field) {
  for (std::size_t i = 0; i < field.words.size(); ++i)
    if (text == field.words[i] || differs_in_case_only(text, field.words[i]))
      return field.low + static_cast<int>(i);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::string part_fault(std::string_view part, const Field& field) {
  const auto bad = [&] {
    return concat(
        {"the ", field.name, " \"", part, "\" is none of *, a number, a range, and /STEP"});
  };
  std::string_view range = part;
  if (const auto slash = part.find('/'); slash != std::string_view::npos) {
    const auto step = number(part.substr(slash + 1), {"", 0, 0, {}});
    if (!step || *step <= 0) return bad();
    range = part.substr(0, slash);
  }
  if (range == "*" || range == "?") return {};
  const auto dash = range.find('-');
  const auto first = number(range.substr(0, dash), field);
  const auto last = dash == std::string_view::npos ? first : number(range.substr(dash + 1), field);
  if (!first || !last) return bad();
  if (*first < field.low || *last > field.high || *first > *last)
    return concat({"the ", field.name, " \"", part, "\" is not within ", std::to_string(field.low),
                   " to ", std::to_string(field.high)});
  return {};
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

std::string schedule_fault(std::string_view schedule) {
  if (schedule.starts_with('@')) {
    constexpr std::string_view every = "@every ";
    if (schedule.starts_with(every))
      return parse_duration(schedule.substr(every.size()))
                 ? ""
                 : "@every wants a duration such as 1h30m";
    return std::find(descriptors.begin(), descriptors.end(), schedule) != descriptors.end()
               ? ""
               : "unrecognized descriptor";
  }
  const auto parts = split(schedule, " \t");
  if (parts.size() != fields.size())
    return "expected exactly 5 fields, found " + std::to_string(parts.size());
  for (std::size_t i = 0; i < fields.size(); ++i)
    for (const std::string_view part : split(parts[i], ","))
      if (auto fault = part_fault(part, fields[i]); !fault.empty()) return fault;
  return {};
}

}  // namespace pausa::pod
