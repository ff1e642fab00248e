// Where the log of a container lies, and what its files are. A person can read it with cat:
//
//   logs/CONTAINER/RESTARTS/stdout.00000001.log    the raw bytes, cut into segments
//   logs/CONTAINER/RESTARTS/stdout.00000001.idx    when they came: Records of 16 bytes
//
// RESTARTS is the restart count of the instance; the two newest instances are kept (`logs` and
// `logs --previous`). A segment may end in the middle of a line. A segment is finished as soon as
// one with a higher number exists; old ones are unlinked, the numbers never start again.
// Not for child zones.
#pragma once

#include "sys/fd.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::log {

enum class Stream : std::uint8_t { out, err };

// Nanoseconds of CLOCK_REALTIME, UTC.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

// One entry of an index, in the byte order of the machine that runs the pod.
// Plain: the bytes before `value` (and from the entry before on) were in the log at `time`.
// Loss (top bit of value set): at the end of the entry before, `value` bytes were thrown away.
struct Record {
  static constexpr std::uint64_t loss_bit = std::uint64_t{1} << 63;

  std::uint64_t value = 0;
  std::uint64_t time = 0;  // nanoseconds since 1970

  bool is_loss() const noexcept { return (value & loss_bit) != 0; }
  std::uint64_t lost_bytes() const noexcept { return is_loss() ? value & ~loss_bit : 0; }
};
static_assert(sizeof(Record) == 16);

// "stdout" and "stderr".
std::string_view stream_name(Stream stream) noexcept;

std::string segment_name(Stream stream, std::uint64_t number);
std::string index_name(Stream stream, std::uint64_t number);

// The numbers of the segments in a directory, ascending.
std::vector<std::uint64_t> list_segments(int dir, Stream stream);

// Unlinks the segments below `first` and their indexes, also an index that lost its segment.
void remove_segments_below(int dir, Stream stream, std::uint64_t first);

// Makes (mode 0700) and opens logs/CONTAINER/RESTARTS below the directory `logs`, then removes all
// but this instance and the newest one before it. Throws sys::Error.
sys::UniqueFd create_instance(int logs, const std::string& container, std::uint64_t restarts);

// The restart counts that have a log, ascending; empty when the container never had one.
std::vector<std::uint64_t> list_instances(int logs, const std::string& container);

// Throws sys::Error when there is none.
sys::UniqueFd open_instance(int logs, const std::string& container, std::uint64_t restarts);

// The directory that gets a new entry when the container restarts: what a follower watches.
sys::UniqueFd open_container(int logs, const std::string& container);

}  // namespace pausa::log
