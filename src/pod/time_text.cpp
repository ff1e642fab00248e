#include "pod/time_text.hpp"

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

}  // namespace pausa::pod
