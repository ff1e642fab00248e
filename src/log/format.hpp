// How a line is printed. Appends to a string, so that a caller can print many at once. Not for
// child zones.
#pragma once

#include "log/reader.hpp"

#include <string>

namespace pausa::log {

// RFC 3339 in UTC with all nine digits: 2026-08-01T12:00:00.000000001Z. Always 30 bytes.
void format_time(Time time, std::string& out);

// The line format of the CRI: TIME STREAM F|P TEXT, P for a line that goes on.
void format_cri(const Line& line, std::string& out);

// The bytes as the container wrote them: a newline follows unless the line goes on.
void format_raw(const Line& line, std::string& out);

// The same with the time in front. `begins` says whether this is the first piece of its line;
// the pieces after it get no time.
void format_timed(const Line& line, bool begins, std::string& out);

}  // namespace pausa::log
