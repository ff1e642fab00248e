#include "log/reader.hpp"

#include "log/seek.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace pausa::log {
namespace {

Time from_ns(std::uint64_t ns) {
  return Time(std::chrono::nanoseconds(static_cast<std::int64_t>(ns)));
}

Time modified(int fd) {
  struct stat st {};
  if (fd < 0 || ::fstat(fd, &st) < 0) return {};
  return Time(std::chrono::seconds(st.st_mtim.tv_sec) +
              std::chrono::nanoseconds(st.st_mtim.tv_nsec));
}

constexpr int open_file = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;

}  // namespace

StreamReader::StreamReader(int dir, Stream stream, ReadOptions options)
    : dir_(sys::check(::fcntl(dir, F_DUPFD_CLOEXEC, 0), "duplicate log directory")),
      stream_(stream),
      options_(options),
      buffer_(max_piece) {
  std::optional<Position> from;
  if (options_.tail || !options_.follow) {
    const TailStart tail = find_tail(dir, stream, options_.tail.value_or(0));
    if (!options_.follow && tail.end.segment > 0) stop_ = tail.end;
    if (options_.tail) tail_lines_ = tail.lines;
    if (options_.tail && tail.from.segment > 0) from = tail.from;
  }
  if (options_.since) seek_since(*options_.since, from);
  start(from);
}

StreamReader::StreamReader(int dir, Stream stream, Position from, ReadOptions options)
    : dir_(sys::check(::fcntl(dir, F_DUPFD_CLOEXEC, 0), "duplicate log directory")),
      stream_(stream),
      options_(options),
      buffer_(max_piece) {
  start(from);
}

void StreamReader::start(std::optional<Position> from) {
  if (!from || from->segment == 0) {
    (void)open_first_from(1);  // else the log is not born yet
    return;
  }
  if (open_segment(from->segment)) {
    offset_ = from->offset;
    line_start_ = *from;
  } else {
    rotated_ = open_first_from(from->segment + 1);
  }
}

// Moves `from` on to the first line that can have ended at `since` or later; next() drops what is
// still older.
void StreamReader::seek_since(Time since, std::optional<Position>& from) const {
  const auto ns =
      static_cast<std::uint64_t>(std::max<std::int64_t>(since.time_since_epoch().count(), 0));
  std::optional<Position> found;
  for (const std::uint64_t number : list_segments(dir_.get(), stream_)) {
    const sys::UniqueFd index(::openat(dir_.get(), index_name(stream_, number).c_str(), open_file));
    if (const auto byte = first_byte_since(index.get(), ns)) {
      found = find_line_start(dir_.get(), stream_, {number, *byte});
      break;
    }
    const sys::UniqueFd log(::openat(dir_.get(), segment_name(stream_, number).c_str(), open_file));
    found = Position{number, 0};
    if (modified(log.get()) >= since) break;  // bytes that no entry covers
    struct stat st {};
    if (log && ::fstat(log.get(), &st) == 0) found->offset = static_cast<std::uint64_t>(st.st_size);
  }
  if (found && (!from || *from < *found)) from = found;
}

bool StreamReader::open_segment(std::uint64_t number) {
  sys::UniqueFd log(::openat(dir_.get(), segment_name(stream_, number).c_str(), open_file));
  if (!log) return false;
  log_ = std::move(log);
  index_.reset(::openat(dir_.get(), index_name(stream_, number).c_str(), open_file));
  cursor_.start(index_.get());
  entries_.clear();
  entry_ = loss_ = 0;
  losses_given_ = 0;
  segment_ = number;
  offset_ = 0;
  at_ = end_ = 0;
  if (pending_.empty()) line_start_ = {segment_, 0};
  return true;
}

// Segments may vanish between listing and opening, so a few tries.
bool StreamReader::open_first_from(std::uint64_t number) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    const auto segments = list_segments(dir_.get(), stream_);
    const auto first = std::lower_bound(segments.begin(), segments.end(), number);
    if (first == segments.end()) return false;
    if (open_segment(*first)) return true;
  }
  return false;
}

bool StreamReader::advance() {
  const std::uint64_t next = segment_ + 1;
  if (open_segment(next)) return true;
  return rotated_ = open_first_from(next);
}

// A segment that has a successor, or that rotation has removed, gets no more bytes.
bool StreamReader::sealed() const noexcept {
  if (::faccessat(dir_.get(), segment_name(stream_, segment_ + 1).c_str(), F_OK,
                  AT_SYMLINK_NOFOLLOW) == 0)
    return true;
  struct stat st {};
  return ::fstat(log_.get(), &st) == 0 && st.st_nlink == 0;
}

void StreamReader::load_entries(std::size_t ahead) {
  if (!index_) {  // the writer makes it just after the segment
    index_.reset(::openat(dir_.get(), index_name(stream_, segment_).c_str(), open_file));
    cursor_.start(index_.get());
  }
  cursor_.read(offset_, offset_ + std::max<std::size_t>(ahead, 1), entries_);
  entry_ = 0;
  loss_ = 0;
  find_loss();
}

// Called with an empty buffer. True when there is something to give.
bool StreamReader::refill() {
  const bool no_more = sealed();  // asked before reading, so that no byte slips between
  std::size_t wanted = buffer_.size();
  if (stop_ && segment_ >= stop_->segment) {
    const std::uint64_t end = segment_ == stop_->segment ? stop_->offset : 0;
    wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(wanted, end > offset_ ? end - offset_ : 0));
  }
  const ssize_t got = ::pread(log_.get(), buffer_.data(), wanted, static_cast<off_t>(offset_));
  if (got < 0 && errno != EINTR) throw sys::Error(errno, "read log");
  at_ = 0;
  end_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  load_entries(end_);
  if (end_ > 0) return true;
  const auto* loss = next_loss();
  // While the loss goes on its count still grows.
  if (loss && loss->begin == offset_ && (no_more || !loss->last || !options_.follow)) return true;
  return no_more && (!stop_ || segment_ < stop_->segment) && advance();
}

const IndexCursor::Entry* StreamReader::next_loss() const noexcept {
  return loss_ < entries_.size() ? &entries_[loss_] : nullptr;
}

void StreamReader::find_loss() noexcept {
  for (; loss_ < entries_.size(); ++loss_) {
    const auto& entry = entries_[loss_];
    if (entry.lost > 0 && entry.begin >= offset_ && entry.place >= losses_given_) return;
  }
}

Time StreamReader::time_of(std::uint64_t offset) {
  while (entry_ < entries_.size() && entries_[entry_].end <= offset) ++entry_;
  const Time time =
      entry_ < entries_.size() ? from_ns(entries_[entry_].time) : modified(log_.get());
  last_time_ = std::max(last_time_, time);
  return last_time_;
}

void StreamReader::consume(std::size_t bytes) noexcept {
  at_ += bytes;
  offset_ += bytes;
}

void StreamReader::give(Line& line, Line::Kind kind, bool partial, Time time) {
  line.time = time;
  line.stream = stream_;
  line.kind = kind;
  line.partial = partial;
  line.missing = 0;
  line_start_ = {segment_, offset_};
}

void StreamReader::give_text(Line& line, std::size_t bytes, bool partial) {
  const std::size_t newline = partial ? 0 : 1;
  const Time time = time_of(offset_ + bytes + newline - 1);
  line.text.assign(pending_).append(buffer_.data() + at_, bytes);
  pending_.clear();
  consume(bytes + newline);
  give(line, Line::Kind::text, partial, time);
}

void StreamReader::give_pending(Line& line) {
  line.text.assign(pending_);
  pending_.clear();
  give(line, Line::Kind::text, true, pending_time_);
}

void StreamReader::give_loss(Line& line, const IndexCursor::Entry& loss) {
  last_time_ = std::max(last_time_, from_ns(loss.time));
  line.text = "pausa: " + std::to_string(loss.lost) +
              " bytes of output are missing here: the log could not be written (is the disk full?)";
  give(line, Line::Kind::lost, false, last_time_);
  line.missing = loss.lost;
  losses_given_ = loss.place + sizeof(Record);
  find_loss();
}

void StreamReader::give_rotated(Line& line) {
  rotated_ = false;
  line.text = "pausa: output is missing here: the log was rotated before it could be read";
  give(line, Line::Kind::rotated, false, last_time_);
}

// One step of the reading: true when `line` is filled.
bool StreamReader::scan(Line& line) {
  if (segment_ == 0 && !open_first_from(1)) return false;
  for (;;) {
    std::size_t ready = end_ - at_;
    const IndexCursor::Entry* loss = next_loss();
    const bool at_loss = loss != nullptr && loss->begin == offset_;
    if ((rotated_ || at_loss) && !pending_.empty()) {
      give_pending(line);
      return true;
    }
    if (rotated_) {
      give_rotated(line);
      return true;
    }
    if (at_loss && loss->last && options_.follow && !sealed()) {
      load_entries(ready);
      loss = next_loss();
      if (loss != nullptr && loss->begin == offset_ && loss->last) return false;
      continue;
    }
    if (at_loss) {
      give_loss(line, *loss);
      return true;
    }
    if (loss != nullptr) ready = std::min<std::size_t>(ready, loss->begin - offset_);
    if (ready == 0) {
      if (!refill()) return false;
      continue;
    }
    const std::size_t room = max_piece - pending_.size();
    const std::size_t look = std::min(ready, room);
    const char* begin = buffer_.data() + at_;
    if (const void* hit = ::memchr(begin, '\n', look)) {
      give_text(line, static_cast<std::size_t>(static_cast<const char*>(hit) - begin), false);
      return true;
    }
    if (look == room) {
      give_text(line, look, true);
      return true;
    }
    pending_.append(begin, look);
    pending_time_ = time_of(offset_ + look - 1);
    consume(look);
  }
}

bool StreamReader::next(Line& line) {
  for (;;) {
    if (!scan(line)) {
      if (options_.follow || pending_.empty()) return false;
      give_pending(line);
    }
    if (!options_.since || line.time >= *options_.since) return true;
  }
}

bool StreamReader::flush(Line& line) {
  if (pending_.empty()) return false;
  give_pending(line);
  return true;
}

Position StreamReader::position() const noexcept {
  return line_start_;
}

}  // namespace pausa::log
