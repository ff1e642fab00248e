#include "log/format.hpp"

#include <array>
#include <chrono>

namespace pausa::log {
namespace {

void put_digits(char* at, unsigned long value, int count) {
  for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

}  // namespace

void format_time(Time time, std::string& out) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  std::array<char, 30> text{"0000-00-00T00:00:00.00000000"};
  put_digits(&text[0], static_cast<unsigned long>(static_cast<int>(date.year())), 4);
  put_digits(&text[5], static_cast<unsigned>(date.month()), 2);
  put_digits(&text[8], static_cast<unsigned>(date.day()), 2);
  put_digits(&text[11], static_cast<unsigned long>(clock.hours().count()), 2);
  put_digits(&text[14], static_cast<unsigned long>(clock.minutes().count()), 2);
  put_digits(&text[17], static_cast<unsigned long>(clock.seconds().count()), 2);
  put_digits(&text[20], static_cast<unsigned long>(clock.subseconds().count()), 9);
  text[29] = 'Z';
  out.append(text.data(), text.size());
}

void format_cri(const Line& line, std::string& out) {
  format_time(line.time, out);
  out += ' ';
  out += stream_name(line.stream);
  out += line.partial ? " P " : " F ";
  out += line.text;
  out += '\n';
}

void format_raw(const Line& line, std::string& out) {
  out += line.text;
  if (!line.partial) out += '\n';
}

void format_timed(const Line& line, bool begins, std::string& out) {
  if (begins) {
    format_time(line.time, out);
    out += ' ';
  }
  format_raw(line, out);
}

}  // namespace pausa::log
