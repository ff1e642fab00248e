#include "unpack/decode.hpp"

#include "sys/error.hpp"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

namespace pausa::unpack {
namespace {

constexpr std::size_t input_bytes = 256U << 10U;
constexpr std::size_t output_bytes = 512U << 10U;
constexpr int most_window_log = 27;  // 128 MiB, what zstd itself takes without being asked

}  // namespace

// Takes from [*at, end), gives into [out, out + room); advances *at. Returns the bytes given. When
// it gives none and takes none, it needs more input.
class LayerStream::Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::size_t run(const unsigned char*& at, const unsigned char* end, unsigned char* out,
                          std::size_t room) = 0;
  // Whether the input may end here.
  virtual bool complete() const = 0;
};

class LayerStream::Plain : public Decoder {
 public:
  std::size_t run(const unsigned char*& at, const unsigned char* end, unsigned char* out,
                  std::size_t room) override {
    const std::size_t count = std::min(room, static_cast<std::size_t>(end - at));
    std::memcpy(out, at, count);
    at += count;
    return count;
  }
  bool complete() const override { return true; }
};

class LayerStream::Gzip : public Decoder {
 public:
  Gzip() { begin(); }
  std::size_t run(const unsigned char*& at, const unsigned char* end, unsigned char* out,
                  std::size_t room) override {
    if (state_.block_state == ISAL_BLOCK_FINISH) begin();
    if (at != end) fresh_ = false;
    state_.next_in = const_cast<unsigned char*>(at);
    state_.avail_in = static_cast<std::uint32_t>(end - at);
    state_.next_out = out;
    state_.avail_out = static_cast<std::uint32_t>(room);
    const int result = ::isal_inflate(&state_);
    if (result < 0)
      throw sys::Error("the gzip data is broken (error " + std::to_string(result) + ")");
    at = state_.next_in;
    return room - state_.avail_out;
  }
  bool complete() const override { return state_.block_state == ISAL_BLOCK_FINISH && !fresh_; }

 private:
  void begin() {
    ::isal_inflate_init(&state_);
    state_.crc_flag = ISAL_GZIP;
  }
  inflate_state state_{};
  bool fresh_ = true;
};

class LayerStream::Zstd : public Decoder {
 public:
  Zstd() : stream_(::ZSTD_createDStream()) {
    if (stream_ == nullptr) throw std::bad_alloc();
    (void)::ZSTD_DCtx_setParameter(stream_, ZSTD_d_windowLogMax, most_window_log);
  }
  ~Zstd() override { (void)::ZSTD_freeDStream(stream_); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;
  std::size_t run(const unsigned char*& at, const unsigned char* end, unsigned char* out,
                  std::size_t room) override {
    ZSTD_inBuffer in{at, static_cast<std::size_t>(end - at), 0};
    ZSTD_outBuffer into{out, room, 0};
    const std::size_t left = ::ZSTD_decompressStream(stream_, &into, &in);
    if (::ZSTD_isError(left) != 0)
      throw sys::Error(std::string("the zstd data is broken: ") + ::ZSTD_getErrorName(left));
    complete_ = left == 0;
    at += in.pos;
    return into.pos;
  }
  bool complete() const override { return complete_; }

 private:
  ZSTD_DStream* stream_;
  bool complete_ = false;
};

LayerStream::LayerStream(int fd, std::string digest, std::string diff_id, std::uint64_t most_bytes)
    : fd_(fd), most_bytes_(most_bytes), input_(input_bytes), output_(output_bytes) {
  const bool same = digest == diff_id;
  if (!digest.empty()) blob_.emplace(std::move(digest));
  if (!diff_id.empty()) diff_.emplace(std::move(diff_id));
  (void)fill();
  const std::string_view head(reinterpret_cast<const char*>(input_.data()), end_);
  using namespace std::string_view_literals;
  if (head.starts_with("\x1f\x8b"sv))
    decoder_ = std::make_unique<Gzip>();
  else if (head.starts_with("\x28\xb5\x2f\xfd"sv))
    decoder_ = std::make_unique<Zstd>();
  else if (head.empty() || (head.size() > 262 && head.substr(257, 5) == "ustar"sv) ||
           head.substr(0, 512).find_first_not_of('\0') == std::string_view::npos)
    decoder_ = std::make_unique<Plain>();
  else
    throw sys::Error("unsupported compression: the layer is neither tar nor gzip nor zstd");
  // The same bytes under the same digest are not counted twice.
  if (same && dynamic_cast<Plain*>(decoder_.get()) != nullptr) diff_.reset();
}

LayerStream::~LayerStream() = default;

bool LayerStream::fill() {
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  while (end_ < input_.size()) {
    const ssize_t got = ::read(fd_, input_.data() + end_, input_.size() - end_);
    if (got < 0 && errno == EINTR) continue;
    if (sys::check(got, "read the layer") == 0) return false;
    if (blob_) blob_->add(input_.data() + end_, static_cast<std::size_t>(got));
    end_ += static_cast<std::size_t>(got);
    taken_ += static_cast<std::uint64_t>(got);
    return true;
  }
  return true;
}

std::string_view LayerStream::next() {
  for (;;) {
    const unsigned char* at = input_.data() + begin_;
    const unsigned char* const before = at;
    const std::size_t given =
        begin_ == end_ && decoder_->complete()
            ? 0
            : decoder_->run(at, input_.data() + end_, output_.data(), output_.size());
    begin_ += static_cast<std::size_t>(at - before);
    if (given > 0) {
      bytes_ += given;
      if (bytes_ > most_bytes_)
        throw sys::Error("the layer exceeds its limit of " + std::to_string(most_bytes_) +
                         " unpacked bytes");
      if (diff_) diff_->add(output_.data(), given);
      return {reinterpret_cast<const char*>(output_.data()), given};
    }
    if (at != before) continue;
    if (end_ - begin_ == input_.size())
      throw sys::Error("the layer is broken: nothing comes out of " +
                       std::to_string(input_.size()) + " bytes");
    if (fill()) continue;
    if (begin_ != end_ || !decoder_->complete()) throw sys::Error("the layer is cut off");
    return {};
  }
}

void LayerStream::finish() {
  while (!next().empty()) {}
  if (blob_) blob_->require("the layer's blob");
  if (diff_) diff_->require("the unpacked layer");
}

}  // namespace pausa::unpack
