// The reading end of the log of one stream: lines with their times, over all segments, also while
// the writer appends, rotates and removes segments. Needs no word from the writer.
//
// A line has the time at which its end came. A line that never ends is given in pieces of at most
// max_piece bytes. Bytes are given as they were written, except that the newline is taken off.
// Owns the files and its own copy of the directory's fd. Not for child zones.
#pragma once

#include "log/index.hpp"
#include "log/layout.hpp"
#include "sys/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::log {

struct Line {
  enum class Kind : std::uint8_t {
    text,     // of the container
    lost,     // `missing` bytes were thrown away here: the storage refused them
    rotated,  // what stood here was removed by rotation before it was read
  };

  Time time;
  Stream stream = Stream::out;
  Kind kind = Kind::text;
  bool partial = false;  // the line goes on in the next Line, or the stream ended without newline
  std::uint64_t missing = 0;
  std::string text;  // of the other kinds: a sentence that says what is missing
};

// Where to go on reading: the first byte not yet given.
struct Position {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  bool operator==(const Position&) const = default;
  bool operator<(const Position& other) const noexcept {
    return segment != other.segment ? segment < other.segment : offset < other.offset;
  }
};

struct ReadOptions {
  std::optional<std::uint64_t> tail;  // only the last so many lines
  std::optional<Time> since;          // only lines that ended at this time or later
  // Keep the unfinished last line until it ends or flush(). Else what is written after the reading
  // has begun is not given: a writer that is faster than the reader would have no end.
  bool follow = false;
};

class StreamReader {
 public:
  static constexpr std::size_t max_piece = std::size_t{64} * 1024;

  // An empty or unborn log is no error. Throws sys::Error when the directory cannot be read.
  StreamReader(int dir, Stream stream, ReadOptions options = {});
  // Goes on where another reader of the same log was.
  StreamReader(int dir, Stream stream, Position from, ReadOptions options = {});

  // False: no more lines now. With follow, call again when the Watcher says so; else it is the end.
  bool next(Line& line);
  // Follow only, after next() said false: gives the unfinished last line, if there is one, as
  // partial; for when the stream has ended or a prompt should be shown.
  bool flush(Line& line);

  Position position() const noexcept;
  // How many lines `tail` found, at most the number asked for.
  std::uint64_t tail_lines() const noexcept { return tail_lines_; }

 private:
  void start(std::optional<Position> from);
  void seek_since(Time since, std::optional<Position>& from) const;
  bool scan(Line& line);
  bool refill();
  bool advance();
  bool open_segment(std::uint64_t number);
  bool open_first_from(std::uint64_t number);
  bool sealed() const noexcept;
  void load_entries(std::size_t ahead);
  void find_loss() noexcept;
  const IndexCursor::Entry* next_loss() const noexcept;
  Time time_of(std::uint64_t offset);
  void consume(std::size_t bytes) noexcept;
  void give(Line& line, Line::Kind kind, bool partial, Time time);
  void give_text(Line& line, std::size_t bytes, bool partial);
  void give_pending(Line& line);
  void give_loss(Line& line, const IndexCursor::Entry& loss);
  void give_rotated(Line& line);

  sys::UniqueFd dir_;
  Stream stream_;
  ReadOptions options_;
  std::optional<Position> stop_;  // without follow: the end as it was when the reading began
  sys::UniqueFd log_, index_;
  IndexCursor cursor_;
  std::vector<IndexCursor::Entry> entries_;
  std::size_t entry_ = 0;           // where time_of is
  std::size_t loss_ = 0;            // the entry of the next loss to give
  std::uint64_t losses_given_ = 0;  // up to this place in the index
  std::uint64_t segment_ = 0;       // 0: none is open
  std::uint64_t offset_ = 0;        // in the segment, of buffer_[at_]
  std::vector<char> buffer_;
  std::size_t at_ = 0, end_ = 0;
  std::string pending_;  // the beginning of a line, already out of the buffer
  Time pending_time_{};
  Position line_start_;  // of pending_, or of the next line
  Time last_time_{};
  std::uint64_t tail_lines_ = 0;
  bool rotated_ = false;  // say so before going on
};

}  // namespace pausa::log
