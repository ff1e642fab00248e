// Finding where to start reading, from the end of a log. Part of the reader.
#pragma once

#include "log/layout.hpp"
#include "log/reader.hpp"

#include <cstdint>

namespace pausa::log {

struct TailStart {
  Position from;
  Position end;  // of the log, as it was then; segment 0: there is none
  std::uint64_t lines = 0;
};

// Where the last `lines` lines begin. Reads only as much of the log as they take.
TailStart find_tail(int dir, Stream stream, std::uint64_t lines);

// Where the line begins that the byte at `at` belongs to; `at` itself when that is further back
// than a piece.
Position find_line_start(int dir, Stream stream, Position at);

}  // namespace pausa::log
