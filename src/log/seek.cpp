#include "log/seek.hpp"

#include "sys/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace pausa::log {
namespace {

// The bytes of a log before a position, block by block towards its beginning.
class Backward {
 public:
  Backward(int dir, Stream stream, std::vector<std::uint64_t> segments)
      : dir_(dir),
        stream_(stream),
        segments_(std::move(segments)),
        block_(StreamReader::max_piece) {}

  // Starts at the end of the last segment, or before `at` in it.
  bool start(std::optional<std::uint64_t> at) {
    if (!open_last()) return false;
    if (at) left_ = std::min(left_, *at);
    return true;
  }
  // False at the beginning of the log.
  bool step() {
    while (left_ == 0) {
      if (segments_.empty()) return false;
      segments_.pop_back();
      if (!open_last()) return false;
    }
    size_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, block_.size()));
    left_ -= size_;
    std::size_t got = 0;
    while (got < size_) {
      const ssize_t n =
          ::pread(file_.get(), block_.data() + got, size_ - got, static_cast<off_t>(left_ + got));
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }
  const char* data() const { return block_.data(); }
  std::size_t size() const { return size_; }
  Position position() const { return {segments_.empty() ? 0 : segments_.back(), left_}; }

 private:
  bool open_last() {
    left_ = 0;
    if (segments_.empty()) return false;
    file_.reset(::openat(dir_, segment_name(stream_, segments_.back()).c_str(),
                         O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    struct stat st {};
    if (!file_ || ::fstat(file_.get(), &st) < 0) return false;
    left_ = static_cast<std::uint64_t>(st.st_size);
    return true;
  }

  int dir_;
  Stream stream_;
  std::vector<std::uint64_t> segments_;
  std::vector<char> block_;
  sys::UniqueFd file_;
  std::uint64_t left_ = 0;
  std::size_t size_ = 0;
};

}  // namespace

TailStart find_tail(int dir, Stream stream, std::uint64_t lines) {
  std::vector<std::uint64_t> segments = list_segments(dir, stream);
  if (segments.empty()) return {};
  Backward log(dir, stream, std::move(segments));
  if (!log.start(std::nullopt)) return {};
  TailStart found{log.position(), log.position(), 0};
  if (lines == 0) return found;
  bool last_byte = true;
  bool in_line = false;  // bytes of a line whose beginning is not found yet
  while (log.step()) {
    const char* begin = log.data();
    const char* end = begin + log.size();
    if (last_byte) {  // the newline at the very end begins no line
      last_byte = false;
      in_line = true;
      if (end[-1] == '\n') --end;
    }
    while (const void* hit = ::memrchr(begin, '\n', static_cast<std::size_t>(end - begin))) {
      end = static_cast<const char*>(hit);
      ++found.lines;
      found.from = log.position();
      found.from.offset += static_cast<std::uint64_t>(end - begin) + 1;
      if (found.lines == lines) return found;
    }
    found.from = log.position();
  }
  if (in_line) ++found.lines;
  return found;
}

Position find_line_start(int dir, Stream stream, Position at) {
  std::vector<std::uint64_t> segments = list_segments(dir, stream);
  std::erase_if(segments, [&](std::uint64_t number) { return number > at.segment; });
  if (segments.empty() || segments.back() != at.segment) return at;
  Backward log(dir, stream, std::move(segments));
  if (!log.start(at.offset)) return at;
  Position start = at;
  for (std::size_t seen = 0; seen < StreamReader::max_piece; seen += log.size()) {
    if (!log.step()) return start;  // the beginning of the log
    if (const void* hit = ::memrchr(log.data(), '\n', log.size())) {
      start = log.position();
      start.offset += static_cast<std::uint64_t>(static_cast<const char*>(hit) - log.data()) + 1;
      return start;
    }
    start = log.position();
  }
  return at;
}

}  // namespace pausa::log
