#include "cli/log_search.hpp"

#include "cli/command.hpp"
#include "log/layout.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <regex.h>

#include <array>

namespace pausa::cli {

struct LogSearch::Pattern {
  explicit Pattern(const std::string& text) {
    const int code = ::regcomp(&compiled, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (code == 0) return;
    std::array<char, 256> why{};
    (void)::regerror(code, &compiled, why.data(), why.size());
    throw UsageError("--for: log=" + text + " is no regular expression: " + why.data());
  }
  ~Pattern() { ::regfree(&compiled); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  regex_t compiled{};
};

LogSearch::LogSearch(const state::Store& store, Target target, const std::string& pattern)
    : store_(store), target_(std::move(target)), pattern_(std::make_unique<Pattern>(pattern)) {}

LogSearch::~LogSearch() = default;

bool LogSearch::matches(const std::string& line) const {
  return ::regexec(&pattern_->compiled, line.c_str(), 0, nullptr, 0) == 0;
}

void LogSearch::look_for_instances() {
  const auto logs =
      sys::try_open_at(AT_FDCWD, store_.paths().data_dir(target_.key) + "/logs", O_RDONLY);
  if (!logs) return;
  for (const auto& name : sys::list_dir(logs.get())) {
    if (!target_.container.empty() && name != target_.container) continue;
    for (const auto instance : log::list_instances(logs.get(), name)) {
      const auto known = newest_.find(name);
      if (known != newest_.end() && instance <= known->second) continue;
      sys::UniqueFd dir;
      try {
        dir = log::open_instance(logs.get(), name, instance);
      } catch (const sys::Error& error) {
        if (error.err() == ENOENT) continue;  // a newer one has just taken its place
        throw;
      }
      watch_.add(dir.get());
      log::ReadOptions options;
      options.follow = true;
      (void)reader_.add(dir.get(), options);
      newest_[name] = instance;
    }
  }
}

bool LogSearch::found() {
  (void)watch_.clear();
  look_for_instances();
  log::Line line;
  std::size_t source = 0;
  while (!found_ && reader_.next(line, source))
    found_ = line.kind == log::Line::Kind::text && matches(line.text);
  // A prompt without an end of line counts as well.
  while (!found_ && reader_.flush(line, source))
    found_ = line.kind == log::Line::Kind::text && matches(line.text);
  return found_;
}

}  // namespace pausa::cli
