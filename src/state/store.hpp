// The pods on this machine, as folders. Reading takes no lock: a record is replaced, never changed.
// Whoever changes a pod holds its lock.
#pragma once

#include "state/paths.hpp"
#include "state/record.hpp"
#include "sys/fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pausa::state {

// The right to change a pod: an open-file-description lock (fcntl_locking(2)) on RUNDIR/lock. It is
// held by the descriptor, which is close-on-exec and closed in every child.
class Lock {
 public:
  Lock() = default;
  explicit Lock(sys::UniqueFd fd) : fd_(std::move(fd)) {}
  explicit operator bool() const { return static_cast<bool>(fd_); }
  int fd() const { return fd_.get(); }
  void release() { fd_.reset(); }

 private:
  sys::UniqueFd fd_;
};

// A pod whose record cannot be read; why: a sentence with the file's path and the way out.
struct Damaged {
  PodKey key;
  std::string why;
};

class Store {
 public:
  explicit Store(Paths paths);

  const Paths& paths() const { return paths_; }

  // Makes both roots (0700) if need be.
  void prepare() const;

  // Makes the pod's run folder if need be and takes its lock. An empty lock: somebody holds it
  // longer than the timeout.
  Lock lock(const PodKey& key, std::chrono::milliseconds timeout) const;

  // Whether somebody holds the pod's lock now. Makes nothing.
  bool is_locked(const PodKey& key) const;

  // Throws sys::Error, with the way out, when it is damaged or of a version that we do not know.
  std::optional<Record> read(const PodKey& key) const;
  void write(const Record& record) const;

  // Every pod that has a record, sorted by folder; unreadable ones are told through `damaged`.
  std::vector<Record> list(std::vector<Damaged>* damaged = nullptr) const;
  // Every pod that has data.
  std::vector<PodKey> list_keys() const;
  // Pods that have data but no record of this boot.
  std::vector<PodKey> list_without_record() const;

  // The Pod as given, as JSON.
  std::optional<std::string> read_manifest(const PodKey& key) const;
  void write_manifest(const PodKey& key, const std::string& json) const;
  // A manifest beside it that is to take its place.
  void stage_manifest(const PodKey& key, const std::string& json) const;
  std::optional<std::string> read_staged(const PodKey& key) const;
  void commit_staged(const PodKey& key) const;

  // The path of the file that brought the pod; empty: nobody knows.
  std::string read_origin(const PodKey& key) const;
  void write_origin(const PodKey& key, const std::string& origin) const;

  // Appends one line to events.jsonl.
  void append_event(const PodKey& key, const std::string& json_line) const;

  // Why the pod's supervisor cannot work, for as long as it cannot: DATA/supervisor.error.
  std::optional<std::string> read_failure(const PodKey& key) const;
  // An empty text takes it away. A full disk costs the text.
  void write_failure(const PodKey& key, const std::string& text) const noexcept;

  // Moves the data folder to the trash, removes the run folder. The lock must be held.
  void remove(const PodKey& key) const;
  // The run folder alone, as lock() makes it of a pod that is gone. The lock must be held.
  void remove_run_dir(const PodKey& key) const;
  // Removes what lies in the trash, and run folders whose remover was killed; stops quietly at what
  // it may not remove.
  void sweep() const noexcept;

 private:
  std::optional<Record> read_below(int dirfd, const std::string& folder, const PodKey& key) const;

  Paths paths_;
};

// A random UUID (version 4).
std::string make_uid();

}  // namespace pausa::state
