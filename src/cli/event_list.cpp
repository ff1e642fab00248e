#include "cli/event_list.hpp"

#include "sys/path.hpp"

#include <fcntl.h>

#include <sstream>

namespace pausa::cli {

std::vector<state::Event> read_events(const state::Store& store, const state::PodKey& key) {
  constexpr std::size_t limit = 64U << 20U;
  const auto text =
      sys::read_file_at(AT_FDCWD, store.paths().data_dir(key) + "/events.jsonl", limit);
  std::vector<state::Event> events;
  std::istringstream lines(text.value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (auto event = state::event_from_json(line)) events.push_back(std::move(*event));
  return events;
}

}  // namespace pausa::cli
