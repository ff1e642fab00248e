// Looks for a line in what containers write, from their logs' beginning on and on. For waiting: the
// caller polls the descriptor and asks again. Owns readers, the compiled pattern and an inotify
// descriptor.
#pragma once

#include "cli/target.hpp"
#include "log/merge.hpp"
#include "log/watch.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace pausa::cli {

class LogSearch {
 public:
  // pattern: a POSIX extended regular expression (regex(7)) for a part of one line. With a
  // container in the target only that one's log counts. Throws UsageError for a bad pattern.
  LogSearch(const state::Store& store, Target target, const std::string& pattern);
  ~LogSearch();
  LogSearch(const LogSearch&) = delete;
  LogSearch& operator=(const LogSearch&) = delete;

  // Readable when a log that is known may have more.
  int fd() const { return watch_.fd(); }
  // Reads on; whether a line has matched by now.
  bool found();

 private:
  struct Pattern;

  void look_for_instances();
  bool matches(const std::string& line) const;

  const state::Store& store_;
  Target target_;
  std::unique_ptr<Pattern> pattern_;
  log::Watcher watch_;
  log::MergedReader reader_;
  std::map<std::string, std::uint64_t> newest_;  // by container: the instance that is read
  bool found_ = false;
};

}  // namespace pausa::cli
