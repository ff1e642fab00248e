#include "cli/moment.hpp"

#include "pod/duration.hpp"

#include <charconv>

namespace pausa::cli {
namespace {

using std::chrono::nanoseconds;

// Takes from the front of a text; every step fails for good once one has failed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    if (rest_.size() < count) ok_ = false;
    for (std::size_t i = 0; i < count && ok_; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9') ok_ = false;
      value = value * 10 + (rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return value;
  }
  bool skip(char letter) {
    if (rest_.empty() || rest_.front() != letter) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char letter) {
    if (!skip(letter)) ok_ = false;
  }
  nanoseconds fraction() {
    std::int64_t value = 0;
    std::int64_t unit = 100'000'000;
    bool any = false;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
      value += (rest_.front() - '0') * unit;
      unit /= 10;
      any = true;
    }
    if (!any) ok_ = false;
    return nanoseconds(value);
  }
  bool done() const { return ok_ && rest_.empty(); }
  bool ok() const { return ok_; }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::optional<Moment> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  Scanner scan(text);
  const int y = scan.digits(4);
  scan.expect('-');
  const int m = scan.digits(2);
  scan.expect('-');
  const int d = scan.digits(2);
  const year_month_day date(year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d)));
  if (!scan.ok() || !date.ok()) return std::nullopt;
  Moment moment = sys_days(date);
  if (scan.done()) return moment;
  if (!scan.skip('t') && !scan.skip(' ')) scan.expect('T');
  const int hour = scan.digits(2);
  scan.expect(':');
  const int minute = scan.digits(2);
  scan.expect(':');
  const int second = scan.digits(2);
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  moment += hours(hour) + minutes(minute) + seconds(second);
  if (scan.skip('.')) moment += scan.fraction();
  if (scan.skip('Z') || scan.skip('z')) return scan.done() ? std::optional(moment) : std::nullopt;
  const bool west = scan.skip('-');
  if (!west) scan.expect('+');
  const int off_hours = scan.digits(2);
  scan.expect(':');
  const int off_minutes = scan.digits(2);
  if (!scan.done() || off_hours > 23 || off_minutes > 59) return std::nullopt;
  const auto offset = hours(off_hours) + minutes(off_minutes);
  return west ? moment + offset : moment - offset;
}

}  // namespace

std::optional<Moment> parse_moment(std::string_view text, Moment now) {
  if (!text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos) {
    std::int64_t seconds = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, seconds);
    // 63 bits of nanoseconds reach to the year 2262.
    if (error != std::errc() || seconds > 9'000'000'000) return std::nullopt;
    Moment moment{std::chrono::seconds(seconds)};
    if (at == end) return moment;
    Scanner scan({at, static_cast<std::size_t>(end - at)});
    scan.expect('.');
    if (scan.ok()) moment += scan.fraction();
    return scan.done() ? std::optional(moment) : std::nullopt;
  }
  if (const auto ago = pod::parse_duration(text); ago && ago->count() >= 0) return now - *ago;
  return parse_rfc3339(text);
}

}  // namespace pausa::cli
