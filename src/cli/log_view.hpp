// The logs of one or several pods on our stdout, merged by time: what `logs` prints, and what an
// attached `up` shows. Follows containers through restarts, rotation and late starts; the records
// and the log folders say all, no supervisor is asked.
//
// stdout gets the containers' bytes; what is missing of them (rotated away before it was read, or
// refused by a full disk) is told on stderr. Owns its readers and inotify descriptors.
#pragma once

#include "log/merge.hpp"
#include "log/watch.hpp"
#include "state/store.hpp"
#include "state/watch.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pausa::cli {

struct LogStyle {
  enum class Prefix : std::uint8_t {
    automatic,
    always,
    never
  };  // automatic: if several containers
  Prefix prefix = Prefix::automatic;
  bool timestamps = false;
  bool colour = false;
  bool apart = false;  // what the containers wrote to stderr goes to ours
};

struct LogSelection {
  std::optional<std::uint64_t> tail;  // of each container
  std::optional<log::Time> since;
  bool previous = false;  // the instance before the current one
  bool follow = false;
};

class LogView {
 public:
  LogView(const state::Store& store, LogSelection selection, LogStyle style);

  // A container, or with an empty name all that the pod has. Throws NoSuchObject.
  void add(const state::PodKey& key, const std::string& container);

  // Prints all that is there now. Without follow that is all; with it, call again when one of the
  // descriptors is readable.
  void print();
  // Whether any container has had a log.
  bool has_logs() const { return !label_of_.empty(); }
  // Follow: whether nothing more can come, since all that is followed has ended.
  bool ended() const;
  // Follow: shows unfinished last lines (prompts); for when nothing has come for a moment.
  void print_unfinished();
  // Readable when there may be more to print.
  int log_fd() const { return log_watch_.fd(); }
  int state_fd() const { return state_watch_.fd(); }

 private:
  struct Container {
    std::string name;
    std::size_t label;                    // of labels_
    std::optional<std::uint64_t> newest;  // instance that is read
    std::vector<std::size_t> readers;     // of reader_, the oldest first
  };
  struct Pod {
    state::PodKey key;
    bool whole = false;  // all its containers were asked for
    bool ended = false;
    sys::UniqueFd logs;
    std::vector<Container> containers;
  };

  void look_for_instances(Pod& pod, Container& container);
  void look_at_state(Pod& pod);
  void put(const log::Line& line, std::size_t reader);
  void put_prefix(std::size_t label);
  void finish_line();
  bool prefixed() const;

  const state::Store& store_;
  LogSelection selection_;
  LogStyle style_;
  state::Watch state_watch_;
  log::Watcher log_watch_;
  log::MergedReader reader_;
  std::vector<Pod> pods_;
  std::vector<std::string> labels_;
  std::vector<std::size_t> label_of_;  // reader → label
  std::size_t width_ = 0;
  // Streams are 2 × reader + (0: stdout, 1: stderr).
  std::optional<std::size_t> open_;  // the stream whose line is printed, but not to its end
  std::set<std::size_t> inside_;     // streams whose next piece goes on with a line
  std::string out_;
  int to_ = 1;  // the descriptor that it is for
};

// Writes all of it, whatever the descriptor; throws sys::Error.
void write_out(int fd, std::string_view text);

}  // namespace pausa::cli
