#include "pod/time_text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace pausa::pod {
namespace {

std::string format(std::chrono::nanoseconds since_epoch, bool fraction) {
  using namespace std::chrono;
  const sys_time<nanoseconds> time(since_epoch);
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  char buffer[48];
  (void)std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02d",
                      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                      static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()));
  std::string text = buffer;
  if (fraction) {
    (void)std::snprintf(buffer, sizeof buffer, ".%09d",
                        static_cast<int>(clock.subseconds().count()));
    text += buffer;
  }
  return text + "Z";
}

}  // namespace

std::string rfc3339(std::chrono::nanoseconds since_epoch) {
  return format(since_epoch, false);
}
std::string rfc3339_nano(std::chrono::nanoseconds since_epoch) {
  return format(since_epoch, true);
}

std::string age_text(std::chrono::nanoseconds age) {
  using namespace std::chrono;
  const auto seconds = std::max<std::int64_t>(0, duration_cast<std::chrono::seconds>(age).count());
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  const auto two = [](std::int64_t a, const char* unit, std::int64_t b, const char* smaller) {
    return std::to_string(a) + unit + (b != 0 ? std::to_string(b) + smaller : "");
  };
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (hours < 3) return std::to_string(minutes) + "m";
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  if (days < 8) return two(days, "d", hours % 24, "h");
  if (days < 2 * 365) return std::to_string(days) + "d";
  return two(days / 365, "y", days % 365, "d");
}

}  // namespace pausa::pod
