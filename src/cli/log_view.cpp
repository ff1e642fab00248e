#include "cli/log_view.hpp"

#include "cli/command.hpp"
#include "log/format.hpp"
#include "log/layout.hpp"
#include "sys/error.hpp"
#include "sys/hash.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace pausa::cli {
namespace {

constexpr std::size_t output_chunk = std::size_t{64} * 1024;
// A supervisor that has noted the pod's end has only its tear-down left to do.
constexpr std::chrono::seconds tear_down_patience(20);

// Red is for errors.
constexpr std::array<const char*, 10> colours{"36", "33", "32", "35", "34",
                                              "96", "93", "92", "95", "94"};

// The same name has the same colour, today and tomorrow.
const char* colour_of(std::string_view label) {
  return colours[sys::stable_hash(label) % colours.size()];
}

std::size_t stream_of(const log::Line& line, std::size_t reader) {
  return 2 * reader + (line.stream == log::Stream::err ? 1 : 0);
}

std::vector<std::string> container_names(const std::optional<state::Record>& record, int logs) {
  std::vector<std::string> names;
  if (record)
    for (const auto& container : record->containers) names.push_back(container.name);
  else if (logs >= 0)
    names = sys::list_dir(logs);
  return names;
}

}  // namespace

void write_out(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done >= 0) {
      text.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      (void)::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      sys::check(-1, "write to standard output");
    }
  }
}

LogView::LogView(const state::Store& store, LogSelection selection, LogStyle style)
    : store_(store), selection_(selection), style_(style), state_watch_(store.paths()) {}

void LogView::add(const state::PodKey& key, const std::string& container) {
  state_watch_.add(key);
  const auto record = store_.read(key);
  const std::string folder = store_.paths().data_dir(key);
  if (!record && ::access(folder.c_str(), F_OK) != 0)
    throw NoSuchObject("no pod " + key.name + " in namespace " + key.namespace_);
  auto known =
      std::find_if(pods_.begin(), pods_.end(), [&](const Pod& pod) { return pod.key == key; });
  if (known == pods_.end()) {
    Pod pod;
    pod.key = key;
    pod.ended = !record;
    pod.logs = sys::try_open_at(AT_FDCWD, folder + "/logs", O_RDONLY | O_DIRECTORY);
    known = pods_.insert(pods_.end(), std::move(pod));
  }
  auto names = container_names(record, known->logs.get());
  if (!container.empty()) {
    if (std::find(names.begin(), names.end(), container) == names.end()) {
      std::string list;
      for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
      throw NoSuchObject("no container " + container + " in pod " + key.name + "; it has " + list);
    }
    names = {container};
  }
  known->whole = known->whole || container.empty();
  for (auto& name : names) {
    const bool twice = std::any_of(known->containers.begin(), known->containers.end(),
                                   [&](const Container& other) { return other.name == name; });
    if (twice) continue;
    labels_.push_back(name);
    Container entry;
    entry.name = std::move(name);
    entry.label = labels_.size() - 1;
    known->containers.push_back(std::move(entry));
  }
  if (pods_.size() > 1)
    for (const auto& pod : pods_)
      for (const auto& entry : pod.containers)
        labels_[entry.label] = pod.key.name + "/" + entry.name;
  width_ = 0;
  for (const auto& label : labels_) width_ = std::max(width_, label.size());
  look_at_state(*known);
  for (auto& entry : known->containers) look_for_instances(*known, entry);
}

void LogView::look_for_instances(Pod& pod, Container& container) {
  if (!pod.logs) {
    pod.logs = sys::try_open_at(AT_FDCWD, store_.paths().data_dir(pod.key) + "/logs",
                                O_RDONLY | O_DIRECTORY);
    if (!pod.logs) return;
  }
  auto instances = log::list_instances(pod.logs.get(), container.name);
  if (selection_.previous && !instances.empty()) instances.pop_back();
  const bool first = !container.newest;
  for (std::size_t i = first && !instances.empty() ? instances.size() - 1 : 0; i < instances.size();
       ++i) {
    if (!first && instances[i] <= *container.newest) continue;
    if (!first && selection_.previous) break;
    sys::UniqueFd dir;
    try {
      dir = log::open_instance(pod.logs.get(), container.name, instances[i]);
    } catch (const sys::Error& error) {
      if (error.err() == ENOENT) continue;  // a newer one has just taken its place
      throw;
    }
    log::ReadOptions options;
    options.follow = selection_.follow;
    // What came after the view began is wanted in full.
    if (first) options.tail = selection_.tail;
    options.since = selection_.since;
    if (selection_.follow) log_watch_.add(dir.get());
    container.readers.push_back(reader_.add(dir.get(), options));
    container.newest = instances[i];
    label_of_.push_back(container.label);
    // The log keeps two instances: what was before has been read, or can no longer be.
    if (container.readers.size() > 2) {
      reader_.remove(container.readers.front());
      container.readers.erase(container.readers.begin());
    }
  }
}

void LogView::look_at_state(Pod& pod) {
  if (pod.ended) return;
  state_watch_.add(pod.key);
  auto record = store_.read(pod.key);
  if (record && record->state.finished) {
    // The last bytes are taken from the pipes while the pod is torn down.
    if (record->supervisor)
      if (const auto supervisor = sys::open_process(record->supervisor))
        (void)sys::wait_dead(supervisor->get(), tear_down_patience);
    record.reset();
  }
  if (!record) {
    pod.ended = true;
    return;
  }
  if (pod.whole) return;
  pod.ended = true;
  for (std::size_t i = 0; i < record->containers.size(); ++i) {
    const bool ours = std::any_of(
        pod.containers.begin(), pod.containers.end(),
        [&](const Container& entry) { return entry.name == record->containers[i].name; });
    if (ours && record->state.containers[i].stage != pod::ContainerState::Stage::terminated)
      pod.ended = false;
  }
}

void LogView::print() {
  if (selection_.follow) {
    (void)log_watch_.clear();
    if (state_watch_.clear())
      for (auto& pod : pods_) {
        look_at_state(pod);
        for (auto& container : pod.containers) look_for_instances(pod, container);
      }
  }
  log::Line line;
  std::size_t reader = 0;
  while (reader_.next(line, reader)) put(line, reader);
  if (!selection_.follow || ended()) {
    while (selection_.follow && reader_.flush(line, reader)) put(line, reader);
    if (prefixed() || style_.timestamps) finish_line();
  }
  write_out(to_, out_);
  out_.clear();
}

void LogView::print_unfinished() {
  log::Line line;
  std::size_t reader = 0;
  while (reader_.flush(line, reader)) put(line, reader);
  write_out(to_, out_);
  out_.clear();
}

bool LogView::ended() const {
  return std::all_of(pods_.begin(), pods_.end(), [](const Pod& pod) { return pod.ended; });
}

bool LogView::prefixed() const {
  return style_.prefix == LogStyle::Prefix::always ||
         (style_.prefix == LogStyle::Prefix::automatic && labels_.size() > 1);
}

void LogView::put(const log::Line& line, std::size_t reader) {
  const auto& label = labels_[label_of_[reader]];
  if (line.kind != log::Line::Kind::text) {
    write_out(STDERR_FILENO, "pausa: " + label + ": " + line.text + "\n");
    return;
  }
  if (const int to =
          style_.apart && line.stream == log::Stream::err ? STDERR_FILENO : STDOUT_FILENO;
      to != to_) {
    write_out(to_, out_);
    out_.clear();
    to_ = to;
  }
  const std::size_t stream = stream_of(line, reader);
  const bool decorated = prefixed() || style_.timestamps;
  if (decorated && open_ && *open_ != stream) finish_line();
  const bool begins = !inside_.contains(stream) || (decorated && open_ != stream);
  if (begins && prefixed()) put_prefix(label_of_[reader]);
  if (style_.timestamps)
    log::format_timed(line, begins, out_);
  else
    log::format_raw(line, out_);
  if (line.partial) {
    inside_.insert(stream);
    open_ = stream;
  } else {
    inside_.erase(stream);
    open_.reset();
  }
  if (out_.size() < output_chunk) return;
  write_out(to_, out_);
  out_.clear();
}

void LogView::put_prefix(std::size_t label) {
  const auto& text = labels_[label];
  if (style_.colour) out_.append("\x1b[").append(colour_of(text)).append("m");
  out_.append(text).append(width_ - text.size(), ' ').append(" |");
  if (style_.colour) out_.append("\x1b[0m");
  out_ += ' ';
}

void LogView::finish_line() {
  if (open_) out_ += '\n';
  open_.reset();
}

}  // namespace pausa::cli
