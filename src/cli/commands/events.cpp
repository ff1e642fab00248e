#include "cli/commands/commands.hpp"
#include "cli/log_view.hpp"
#include "cli/pod_words.hpp"
#include "cli/remove_pod.hpp"
#include "state/event.hpp"
#include "state/watch.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace pausa::cli {
namespace {

constexpr Option table[]{{"follow,f", nullptr, "go on until the pods have ended"},
                         {"output,o", "FORMAT", "text, or json: one object a line"},
                         {"all,a", nullptr, "every pod (the default)"},
                         {"namespace,n", "NAME", "the pods' namespace"}};

// A pod's history from its beginning on, as far as it is written.
class Reader {
 public:
  Reader(const state::Store& store, state::PodKey key)
      : key_(std::move(key)),
        file_(
            sys::try_open_at(AT_FDCWD, store.paths().data_dir(key_) + "/events.jsonl", O_RDONLY)) {}

  const state::PodKey& key() const { return key_; }
  bool there() const { return static_cast<bool>(file_); }

  // The next whole line; false: no more now.
  bool next(std::string& line) {
    for (;;) {
      const auto end = text_.find('\n');
      if (end != std::string::npos) {
        line = text_.substr(0, end);
        text_.erase(0, end + 1);
        return true;
      }
      std::array<char, 16 * 1024> buffer;
      const ssize_t size = there() ? ::read(file_.get(), buffer.data(), buffer.size()) : 0;
      if (size <= 0) return false;
      text_.append(buffer.data(), static_cast<std::size_t>(size));
    }
  }

 private:
  state::PodKey key_;
  sys::UniqueFd file_;
  std::string text_;
};

struct Found {
  std::string time;
  std::string text;
};

std::string describe(const state::PodKey& key, const state::Event& event) {
  std::string text = event.time + "  " + event.type;
  text.append(event.type.size() < 8 ? 8 - event.type.size() : 0, ' ');
  text += event.reason;
  text.append(event.reason.size() < 16 ? 16 - event.reason.size() : 1, ' ');
  return text + key.name + (event.container.empty() ? "" : "/" + event.container) + ": " +
         event.message + "\n";
}

// Everything new of all pods, the oldest first.
void print_new(std::vector<Reader>& readers, bool json) {
  std::vector<Found> found;
  std::string line;
  for (auto& reader : readers)
    while (reader.next(line)) {
      const auto event = state::event_from_json(line);
      if (!event) continue;
      found.push_back({event->time, json ? line + "\n" : describe(reader.key(), *event)});
    }
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.time < b.time; });
  std::string out;
  for (const auto& entry : found) out += entry.text;
  write_out(STDOUT_FILENO, out);
}

bool over(const state::Store& store, const state::PodKey& key) {
  const auto record = store.read(key);
  return !record || (record->state.finished && !sys::alive(record->supervisor));
}

// Every event goes with a change of the record, but may be written a little later: so the files are
// watched for themselves.
void follow(const state::Store& store, std::vector<Reader>& readers, bool json) {
  state::Watch watch(store.paths());
  const sys::UniqueFd files(sys::check(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify"));
  for (const auto& reader : readers) {
    const std::string path = store.paths().data_dir(reader.key()) + "/events.jsonl";
    (void)::inotify_add_watch(files.get(), path.c_str(), IN_MODIFY);
  }
  for (;;) {
    (void)watch.clear();
    alignas(inotify_event) std::array<char, 4096> events;
    while (::read(files.get(), events.data(), events.size()) > 0) continue;
    bool ended = true;
    for (const auto& reader : readers) {
      watch.add(reader.key());
      if (!over(store, reader.key())) ended = false;
    }
    print_new(readers, json);
    if (ended) return;
    std::array<pollfd, 2> ready{{{watch.fd(), POLLIN, 0}, {files.get(), POLLIN, 0}}};
    (void)::poll(ready.data(), ready.size(), -1);
  }
}

}  // namespace

std::string events_options() {
  return options_help(table);
}

int run_events(const Arguments& arguments) {
  const Options options(table, arguments);
  const std::string format = options.get("output").value_or("text");
  if (format != "text" && format != "json")
    throw UsageError("--output: \"" + format + "\" is none of text, json");
  const state::Store store(state::Paths::from_environment());
  std::vector<state::PodKey> keys;
  std::vector<state::Damaged> damaged;
  if (options.words().empty()) {
    for (const auto& record : store.list(&damaged)) keys.push_back(record.key);
    for (const auto& key : store.list_without_record()) keys.push_back(key);
  } else {
    keys = pods_from(options, store, "events");
  }
  const int broken = tell_damaged(damaged);
  const int absent = drop_absent(store, keys);
  std::vector<Reader> readers;
  for (auto& key : keys) readers.emplace_back(store, std::move(key));
  if (options.has("follow"))
    follow(store, readers, format == "json");
  else
    print_new(readers, format == "json");
  return absent != exit_ok ? absent : broken;
}

}  // namespace pausa::cli
