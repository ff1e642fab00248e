// The writing end of the log of one stream of one container (layout.hpp has the files).
//
// Bytes leave the pipe only as far as they are in the file: splice(2) consumes the pipe by what
// the file took, and a fatal signal cannot come between the two. So the size of the file is the
// count of consumed bytes, and a writer that is killed at any instant loses and doubles nothing;
// the next one simply continues the newest segment. (read+write lost 4.1 of 30.9 MB in that test.)
//
// The storage never holds a container up: when it refuses (disk full, quota, I/O error), bytes
// stay in the pipe for `patience`, then they are thrown away and counted until it takes bytes
// again; the index keeps the count and the reader shows it. An index entry names the bytes that
// came with one batch; entries closer than a millisecond are one. A crash between batch and entry
// gives the bytes the time of the next entry.
//
// One writer a stream at a time: the pod's lock sees to that. Owns the files and its own copy of
// the directory's fd; borrows pipes for a call. SIGXFSZ must be ignored. Not for child zones.
#pragma once

#include "log/layout.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace pausa::log {

struct Limits {
  std::uint64_t segment_bytes = std::uint64_t{10}
                                << 20;  // of a segment and its index; at least 4096
  std::uint64_t segments = 5;           // kept, with the current one; at least 2
};

struct Drained {
  std::size_t bytes = 0;    // in the log now
  std::size_t dropped = 0;  // thrown away, and counted
  bool eof = false;         // no writer is left
  bool stalled = false;     // bytes wait for the storage: call again soon (BatchPolicy::retry)
  int err = 0;              // why the storage refused, an errno; 0 when it did not
};

class StreamWriter {
 public:
  // Continues the newest segment in `dir`; the first one is made with the first bytes. Throws
  // sys::Error only when the directory cannot be read; a full disk shows in drain().
  StreamWriter(int dir, Stream stream, Limits limits = {});

  // Moves what is in the pipe, at most about `budget` bytes, and does not wait. Bytes that come
  // while it runs may be left for the next call. A file system that cannot splice (EINVAL) is
  // written by read and write, as ttys are. Throws sys::Error for a wrong pipe_fd only.
  Drained drain(int pipe_fd, std::size_t budget = default_budget);

  // The same for the master of a pty. splice(2) wants a pipe on one side, so these bytes pass
  // through our memory: a writer that is killed may lose the at most 64 KiB it holds.
  Drained drain_copy(int tty_fd, std::size_t budget = default_budget);

  std::uint64_t segment() const noexcept { return segment_; }
  std::uint64_t size() const noexcept { return size_; }
  bool splices() const noexcept { return splices_; }

  static constexpr std::size_t default_budget = std::size_t{4} << 20;
  static constexpr std::chrono::milliseconds patience{500};
  static constexpr std::chrono::milliseconds probe_every{100};

 private:
  using Clock = std::chrono::steady_clock;

  bool open_segment() noexcept;
  bool rotate() noexcept;
  bool make_room() noexcept;
  std::uint64_t room() const noexcept;
  bool truncated() const noexcept;
  bool may_try() const noexcept;
  bool refuse(int err, Drained& result) noexcept;
  void accept(std::size_t bytes, Drained& result) noexcept;
  void discard(int pipe_fd, std::size_t most, Drained& result);
  bool write_held(Drained& result) noexcept;
  void read_last_time() noexcept;
  void note_batch() noexcept;
  void note_loss(std::size_t bytes) noexcept;
  bool write_loss() noexcept;
  bool append(Record record) noexcept;
  void reserve_index() noexcept;
  std::uint64_t now() noexcept;

  sys::UniqueFd dir_;
  Stream stream_;
  Limits limits_;
  sys::UniqueFd log_, index_, null_;
  std::uint64_t segment_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t index_size_ = 0, index_reserved_ = 0;
  std::uint64_t last_time_ = 0, last_end_ = 0;
  bool last_is_ours_ = false;  // the last entry is a batch that may still be extended
  bool splices_ = true;
  std::uint64_t lost_ = 0;        // in the loss that is going on
  std::uint64_t lost_at_ = 0;     // size_ when it began
  std::uint64_t loss_entry_ = 0;  // where its entry stands, 0: not written yet (an end comes first)
  int refusal_ = 0;
  std::optional<Clock::time_point> refused_since_;
  Clock::time_point next_try_{};
  std::string held_;  // drain_copy: read, not yet stored
};

}  // namespace pausa::log
