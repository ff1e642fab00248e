// Several logs as one, by time: both streams of a container, and the containers of a pod. Lines of
// equal time come in the order in which their logs were added, stdout before stderr. Owns its
// readers; borrows the directories for add() only. Not for child zones.
#pragma once

#include "log/reader.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace pausa::log {

class MergedReader {
 public:
  // The log of one instance of one container; `tail` counts the lines of both streams together.
  // Returns its number, counted from 0. May be called later too, for a container that restarted.
  std::size_t add(int instance_dir, ReadOptions options = {});

  // Gives this one's readers back, with what they have not given yet. The numbers of the others
  // stay.
  void remove(std::size_t source);

  // The oldest line not yet given, and whose it is. False: no more now (follow) or at all.
  bool next(Line& line, std::size_t& source);
  // Follow only: the unfinished last lines of all streams, one a call.
  bool flush(Line& line, std::size_t& source);

 private:
  struct Input {
    StreamReader reader;
    std::size_t source;
    Line line;
    bool full = false;      // `line` waits to be given
    Time dry_at{};          // when the reader had no more
    bool inside = false;    // the line given last goes on
    bool skipping = false;  // and is not wanted
  };
  struct Source {
    std::uint64_t skip = 0;  // lines beyond the tail, both streams had that many
    std::optional<Time> since;
  };

  bool fill(Input& input);
  Input* oldest();
  bool wanted(Input& input);

  std::vector<std::unique_ptr<Input>> inputs_;
  std::vector<Source> sources_;
};

}  // namespace pausa::log
