#include "log/merge.hpp"

#include <algorithm>
#include <utility>

namespace pausa::log {

std::size_t MergedReader::add(int instance_dir, ReadOptions options) {
  const std::size_t number = sources_.size();
  Source source;
  if (options.tail) source.since = std::exchange(options.since, std::nullopt);
  std::uint64_t lines = 0;
  for (const Stream stream : {Stream::out, Stream::err}) {
    inputs_.push_back(
        std::make_unique<Input>(Input{StreamReader(instance_dir, stream, options), number, {}}));
    lines += inputs_.back()->reader.tail_lines();
  }
  if (options.tail && lines > *options.tail) source.skip = lines - *options.tail;
  sources_.push_back(source);
  return number;
}

void MergedReader::remove(std::size_t source) {
  std::erase_if(inputs_, [&](const auto& input) { return input->source == source; });
}

bool MergedReader::fill(Input& input) {
  if (!input.full) {
    input.full = input.reader.next(input.line);
    if (!input.full)
      input.dry_at = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  }
  return input.full;
}

// The input whose line comes first. A dry one is asked again only for a line that is younger than
// its last answer: until then nothing older can have come.
MergedReader::Input* MergedReader::oldest() {
  Input* first = nullptr;
  for (const auto& input : inputs_)
    if (input->full && (!first || input->line.time < first->line.time)) first = input.get();
  bool changed = false;
  for (const auto& input : inputs_)
    if (!input->full && (!first || first->line.time >= input->dry_at)) changed |= fill(*input);
  if (!changed) return first;
  first = nullptr;
  for (const auto& input : inputs_)
    if (input->full && (!first || input->line.time < first->line.time)) first = input.get();
  return first;
}

// Counts lines, not pieces, against what is to be skipped.
bool MergedReader::wanted(Input& input) {
  Source& source = sources_[input.source];
  if (input.line.kind == Line::Kind::text) {
    if (!input.inside) {
      input.skipping = source.skip > 0;
      if (input.skipping) --source.skip;
    }
    input.inside = input.line.partial;
    if (input.skipping) return false;
  }
  return !source.since || input.line.time >= *source.since;
}

bool MergedReader::next(Line& line, std::size_t& source) {
  while (Input* input = oldest()) {
    const bool give = wanted(*input);
    if (give) {
      std::swap(line, input->line);  // keeps the capacity of both texts
      source = input->source;
    }
    input->full = false;
    (void)fill(*input);
    if (give) return true;
  }
  return false;
}

bool MergedReader::flush(Line& line, std::size_t& source) {
  for (const auto& input : inputs_) {
    if (input->full || !input->reader.flush(input->line) || !wanted(*input)) continue;
    std::swap(line, input->line);
    source = input->source;
    return true;
  }
  return false;
}

}  // namespace pausa::log
