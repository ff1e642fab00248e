// What an `up` is about to change, written down before it does: ROOT/undo/ID.json, for its owner
// only. It is removed when the set of pods and objects stands. One whose `up` is dead belongs to an
// `up` that was cut off: the next command takes back what it tells.
#pragma once

#include "pod/object.hpp"
#include "state/paths.hpp"
#include "state/record.hpp"
#include "sys/process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::state {

// A pod that ran, as it is to run again.
struct PodBefore {
  PodKey key;
  std::string manifest;
  std::string origin;
  pod::BackoffPolicy backoff;
  bool exact_probes = false;
  std::vector<std::string> images;  // as its record describes them, of all its containers
  std::vector<VolumeRecord> volumes;
  std::string network;  // as was asked for when it was made
};

// An object by its name, and what stood there.
struct ObjectBefore {
  pod::ObjectKind kind = pod::ObjectKind::config_map;
  std::string namespace_, name;
  std::optional<pod::Object> before;  // nothing did
};

struct Journal {
  sys::ProcessId owner;
  std::string boot_id;
  std::vector<PodKey> made;  // pods of which nothing ran
  std::vector<PodBefore> pods;
  std::vector<ObjectBefore> objects;

  bool empty() const { return made.empty() && pods.empty() && objects.empty(); }
};

std::string to_json(const Journal& journal);
// Throws sys::Error when it is damaged.
Journal journal_from_json(const std::string& text);

class Journals {
 public:
  explicit Journals(const Paths& paths) : folder_(paths.undo()) {}

  // Returns its id.
  std::string add(const Journal& journal) const;
  Journal read(const std::string& id) const;
  void remove(const std::string& id) const noexcept;
  // Nobody takes it back any more, but a person may want to read it. Returns its path.
  std::string give_up(const std::string& id) const noexcept;
  // Those whose owner does not run any more. Costs one system call where there never was any.
  std::vector<std::string> abandoned() const;
  // What is written there may have to come back. Throws sys::Error for one that cannot be read,
  // also when it was given up: nobody knows what it names.
  std::vector<Journal> list() const;

 private:
  std::vector<std::string> ids(std::string_view ending) const;

  std::string folder_;
};

// The right to take back what others left: held by this process alone, never by its children, and
// free with its death (a lock of fcntl_locking(2)'s older kind).
class TakeBackLock {
 public:
  // Waits for whoever has it. Throws sys::Error when that takes a minute.
  explicit TakeBackLock(const Paths& paths);

 private:
  sys::UniqueFd fd_;
};

}  // namespace pausa::state
