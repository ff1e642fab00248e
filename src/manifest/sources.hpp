// From what the user names on the command line to texts: files, "-" for the standard input, and
// folders, of which the *.yaml, *.yml and *.json are taken, sorted by name, without going deeper.
// Never blocks on a path that is no regular file (a FIFO without a writer, a device). What a pipe
// of the caller's shell offers (/dev/stdin, /dev/fd/N) is read to its end.
#pragma once

#include "manifest/reader.hpp"
#include "pod/diagnostic.hpp"

#include <string>
#include <vector>

namespace pausa::manifest {

struct LoadedSources {
  std::vector<Source> sources;   // those that could be read
  pod::Diagnostics diagnostics;  // one error for each that could not; without a place in a text
};

LoadedSources load_sources(const std::vector<std::string>& paths);

}  // namespace pausa::manifest
