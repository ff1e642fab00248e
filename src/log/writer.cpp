#include "log/writer.hpp"

#include "sys/error.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>

namespace pausa::log {
namespace {

constexpr std::uint64_t entry_size = sizeof(Record);
constexpr std::size_t copy_size = std::size_t{64} * 1024;
// All that a large pipe can hold. One splice keeps the pipe locked, so the container waits for its
// end; cut into smaller ones it was not faster (bench/log_writer.cpp).
constexpr std::size_t splice_size = std::size_t{1} << 20;
// Less than this in one go: the container is slower than we are, so let its lines gather.
constexpr std::size_t enough = std::size_t{64} * 1024;
constexpr std::uint64_t coalesce_ns = 1'000'000;

std::uint64_t file_size(int fd) noexcept {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? static_cast<std::uint64_t>(st.st_size) : 0;
}

bool holds_bytes(int fd) noexcept {
  int bytes = 0;
  return ::ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

// Nobody writes any more, and nothing is left. In this order: the last writer may come and go in
// between.
bool has_ended(int fd) noexcept {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0 && (poll.revents & POLLHUP) != 0 && !holds_bytes(fd);
}

bool readable(int fd) noexcept {
  pollfd poll{fd, POLLIN, 0};
  return ::poll(&poll, 1, 0) > 0;
}

}  // namespace

StreamWriter::StreamWriter(int dir, Stream stream, Limits limits)
    : dir_(sys::check(::fcntl(dir, F_DUPFD_CLOEXEC, 0), "duplicate log directory")),
      stream_(stream),
      limits_{std::max<std::uint64_t>(limits.segment_bytes, 4096),
              std::max<std::uint64_t>(limits.segments, 2)} {
  const auto segments = list_segments(dir_.get(), stream_);
  segment_ = segments.empty() ? 1 : segments.back();
  if (segment_ > limits_.segments)
    remove_segments_below(dir_.get(), stream_, segment_ - limits_.segments + 1);
  // A stream that says nothing leaves no file: the first segment is made with the first bytes.
  if (segments.empty()) return;
  (void)open_segment();  // else drain tries again
  read_last_time();
}

// Opens segment_ and its index, existing or new.
bool StreamWriter::open_segment() noexcept {
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  log_.reset(::openat(dir_.get(), segment_name(stream_, segment_).c_str(), flags, 0600));
  if (!log_) {
    refusal_ = errno;
    return false;
  }
  // Not fatal: without an index the bytes have the file's time.
  index_.reset(::openat(dir_.get(), index_name(stream_, segment_).c_str(), flags, 0600));
  size_ = file_size(log_.get());
  index_size_ = index_ ? file_size(index_.get()) / entry_size * entry_size : 0;
  index_reserved_ = index_size_;
  last_end_ = 0;
  last_is_ours_ = false;
  if (loss_entry_ != 0) lost_ = 0;  // the segment before has it
  loss_entry_ = 0;
  lost_at_ = 0;
  reserve_index();
  return true;
}

// The times of a stream never run backwards, whatever the clock did while nobody drained it.
void StreamWriter::read_last_time() noexcept {
  Record last;
  sys::UniqueFd before;
  int fd = index_.get();
  std::uint64_t size = index_size_;
  if (size == 0 && segment_ > 1) {
    before.reset(::openat(dir_.get(), index_name(stream_, segment_ - 1).c_str(),
                          O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    fd = before.get();
    size = before ? file_size(fd) / entry_size * entry_size : 0;
  }
  if (size == 0) return;
  const auto at = static_cast<off_t>(size - entry_size);
  if (::pread(fd, &last, entry_size, at) != static_cast<ssize_t>(entry_size)) return;
  last_time_ = last.time;
}

std::uint64_t StreamWriter::now() noexcept {
  timespec ts{};
  ::clock_gettime(CLOCK_REALTIME, &ts);
  const auto ns = static_cast<std::uint64_t>(ts.tv_sec) * 1'000'000'000U +
                  static_cast<std::uint64_t>(ts.tv_nsec);
  return std::max(ns, last_time_);
}

std::uint64_t StreamWriter::room() const noexcept {
  const std::uint64_t used = size_ + index_size_ + 4 * entry_size;  // a loss takes up to three
  return used < limits_.segment_bytes ? limits_.segment_bytes - used : 0;
}

// Somebody emptied the file by hand. Going on at our offset would leave a hole of zeros, and the
// index no longer fits.
bool StreamWriter::truncated() const noexcept {
  return file_size(log_.get()) < size_;
}

bool StreamWriter::rotate() noexcept {
  if (size_ > last_end_) note_batch();
  const std::uint64_t next = segment_ + 1;
  // First the oldest, then the new one: the bytes stay bounded and a full disk gets room.
  try {
    if (next > limits_.segments)
      remove_segments_below(dir_.get(), stream_, next - limits_.segments + 1);
  } catch (const sys::Error& error) {
    refusal_ = error.err();
    return false;
  }
  segment_ = next;
  if (open_segment()) return true;
  segment_ = next - 1;
  return false;
}

bool StreamWriter::make_room() noexcept {
  if (!log_) return open_segment();
  if (room() > 0 && !truncated()) return true;
  return rotate();
}

bool StreamWriter::may_try() const noexcept {
  return !refused_since_ || Clock::now() >= next_try_;
}

// True while the bytes should wait where they are.
bool StreamWriter::refuse(int err, Drained& result) noexcept {
  const auto time = Clock::now();
  if (!refused_since_) refused_since_ = time;
  next_try_ = time + probe_every;
  refusal_ = err;
  result.err = err;
  return time - *refused_since_ < patience;
}

void StreamWriter::accept(std::size_t bytes, Drained& result) noexcept {
  size_ += bytes;
  result.bytes += bytes;
  refused_since_.reset();
}

Drained StreamWriter::drain(int pipe_fd, std::size_t budget) {
  if (!splices_) return drain_copy(pipe_fd, budget);
  Drained result;
  bool checked = false;
  while (result.bytes + result.dropped < budget) {
    const std::size_t left = budget - result.bytes - result.dropped;
    if (!may_try()) {
      result.err = refusal_;
      if (Clock::now() - *refused_since_ < patience) {
        result.stalled = holds_bytes(pipe_fd);
        if (result.stalled) break;
      }
      discard(pipe_fd, left, result);
      break;
    }
    if (!log_ || room() == 0 || (!checked && truncated())) {
      // Asked first, so that a stream that has ended leaves no empty segment behind.
      if (holds_bytes(pipe_fd) && !make_room()) {
        if (refuse(refusal_, result)) {
          result.stalled = true;
          break;
        }
        continue;
      }
      if (!log_) {  // nothing to store yet; what comes from now on waits for the next time
        result.eof = has_ended(pipe_fd);
        break;
      }
    }
    checked = true;
    const std::size_t most =
        std::min({left, splice_size, static_cast<std::size_t>(std::max<std::uint64_t>(room(), 1))});
    auto at = static_cast<off64_t>(size_);
    const ssize_t moved =
        ::splice(pipe_fd, nullptr, log_.get(), &at, most, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved > 0) {
      accept(static_cast<std::size_t>(moved), result);
      if (static_cast<std::size_t>(moved) < std::min(enough, most)) break;
      continue;
    }
    if (moved == 0) {
      result.eof = true;
      break;
    }
    const int err = errno;
    if (err == EINTR) continue;
    if (err == EAGAIN) break;
    if (err == EBADF) throw sys::Error(err, "splice from a log pipe");
    if (err == EINVAL) {  // neither a pipe nor the budget: the file system knows no splice
      splices_ = false;
      if (result.bytes > 0) note_batch();
      const Drained rest = drain_copy(pipe_fd, left);
      result.bytes += rest.bytes;
      result.dropped += rest.dropped;
      result.eof = rest.eof;
      result.stalled = rest.stalled;
      result.err = rest.err;
      return result;
    }
    if (refuse(err, result)) {
      result.stalled = true;
      break;
    }
  }
  if (result.bytes > 0) note_batch();
  return result;
}

void StreamWriter::discard(int pipe_fd, std::size_t most, Drained& result) {
  if (!null_) null_.reset(sys::check(::open("/dev/null", O_WRONLY | O_CLOEXEC), "open /dev/null"));
  std::size_t gone = 0;
  while (gone < most) {
    const ssize_t moved =
        ::splice(pipe_fd, nullptr, null_.get(), nullptr, most - gone, SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINTR) continue;
    if (moved == 0) result.eof = true;
    if (moved <= 0) break;
    gone += static_cast<std::size_t>(moved);
  }
  result.dropped += gone;
  if (gone > 0) note_loss(gone);
}

Drained StreamWriter::drain_copy(int tty_fd, std::size_t budget) {
  Drained result;
  while (write_held(result) && result.bytes + result.dropped < budget && readable(tty_fd)) {
    held_.resize(copy_size);
    const ssize_t got = ::read(tty_fd, held_.data(), held_.size());
    const int err = errno;
    held_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got > 0 || (got < 0 && err == EINTR)) continue;
    if (got < 0 && err == EAGAIN) break;
    // A pty master reads EIO when the last slave is closed: its end of file.
    if (got < 0 && err != EIO) throw sys::Error(err, "read the output of a terminal");
    result.eof = true;
    break;
  }
  if (result.bytes > 0) note_batch();
  return result;
}

// False while held_ has to wait for the storage.
bool StreamWriter::write_held(Drained& result) noexcept {
  std::size_t done = 0;
  while (done < held_.size()) {
    int err = refusal_;
    if (may_try()) {
      if (make_room()) {
        const std::size_t most =
            std::min<std::uint64_t>(held_.size() - done, std::max<std::uint64_t>(room(), 1));
        const ssize_t put =
            ::pwrite(log_.get(), held_.data() + done, most, static_cast<off_t>(size_));
        if (put > 0) {
          accept(static_cast<std::size_t>(put), result);
          done += static_cast<std::size_t>(put);
          continue;
        }
        if (put < 0 && errno == EINTR) continue;
        err = put < 0 ? errno : ENOSPC;
      } else {
        err = refusal_;
      }
      if (refuse(err, result)) result.stalled = true;
    } else {
      result.err = err;
      result.stalled = Clock::now() - *refused_since_ < patience;
    }
    if (result.stalled) {
      held_.erase(0, done);
      return false;
    }
    result.dropped += held_.size() - done;
    note_loss(held_.size() - done);
    break;
  }
  held_.clear();
  return true;
}

void StreamWriter::note_batch() noexcept {
  if (!index_) return;
  if (lost_ > 0) {
    // Unwritten, it goes before the bytes that came after it; until then these have no time.
    if (loss_entry_ == 0 && !write_loss()) return;
    lost_ = 0;
    loss_entry_ = 0;
    last_is_ours_ = false;
  }
  const std::uint64_t time = now();
  if (!last_is_ours_ || time - last_time_ >= coalesce_ns) {
    if (!append({size_, time})) return;
    last_time_ = time;
  } else {
    const Record longer{size_, last_time_};
    const auto at = static_cast<off_t>(index_size_ - entry_size);
    (void)!::pwrite(index_.get(), &longer, entry_size, at);  // else: the next entry's time
  }
  last_end_ = size_;
  last_is_ours_ = true;
}

void StreamWriter::note_loss(std::size_t bytes) noexcept {
  if (lost_ == 0) lost_at_ = size_;
  lost_ += bytes;
  (void)write_loss();  // kept in memory if there is no room for it
}

bool StreamWriter::write_loss() noexcept {
  if (!index_) return false;
  const Record loss{Record::loss_bit | lost_, now()};
  last_time_ = loss.time;
  if (loss_entry_ != 0)
    return ::pwrite(index_.get(), &loss, entry_size, static_cast<off_t>(loss_entry_)) > 0;
  if (!last_is_ours_ || last_end_ != lost_at_) {
    if (!append({lost_at_, loss.time})) return false;
    last_end_ = lost_at_;
  }
  last_is_ours_ = false;
  const std::uint64_t at = index_size_;
  if (!append(loss)) return false;
  loss_entry_ = at;
  return true;
}

bool StreamWriter::append(Record record) noexcept {
  reserve_index();
  if (::pwrite(index_.get(), &record, entry_size, static_cast<off_t>(index_size_)) !=
      static_cast<ssize_t>(entry_size))
    return false;
  index_size_ += entry_size;
  return true;
}

// Blocks beyond the end of the index, so that a loss can be noted when the disk is full.
void StreamWriter::reserve_index() noexcept {
  constexpr std::uint64_t block = 4096;
  if (!index_ || index_size_ + 4 * entry_size <= index_reserved_) return;
  (void)::fallocate(index_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(index_reserved_),
                    static_cast<off_t>(block));  // else: kept in memory
  index_reserved_ += block;
}

}  // namespace pausa::log
