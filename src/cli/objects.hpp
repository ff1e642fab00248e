// The objects beside the pods, as `up` stores them and `down` removes them.
#pragma once

#include "manifest/load.hpp"
#include "pod/object.hpp"
#include "state/object_store.hpp"
#include "state/paths.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace pausa::cli {

// "configmap/settings".
std::string object_words(const pod::Object& object);

// Adds to a manifest what `--configmap-from` and `--secret-from` say: "NAME=FILE" is one key, named
// after the file, "NAME=FOLDER" one for each file in it. They come into every namespace that the
// manifest's pods are in. Throws UsageError, sys::Error.
void add_objects_of_files(const std::vector<std::string>& words, pod::ObjectKind kind,
                          manifest::LoadResult& loaded);

// What an `up` changes in the store, and can take back.
class ObjectChanges {
 public:
  explicit ObjectChanges(const state::Paths& paths) : store_(paths) {}

  // Stores them, and binds claims to volumes. Throws sys::Error, with nothing changed.
  void apply(const std::vector<manifest::LoadedObject>& objects);
  void undo() noexcept;
  // A line each for what apply() was given, changed or not.
  const std::string& words() const { return words_; }
  bool any() const { return !before_.empty(); }

 private:
  void put(const pod::Object& object);

  state::ObjectStore store_;
  // What was changed, and what it was before.
  std::vector<std::pair<pod::Object, std::optional<pod::Object>>> before_;
  std::string words_;
};

// Removes a stored object; whether it was there. A claim stays, unless it is to go with its data.
bool remove_object(const state::Paths& paths, const pod::Object& object, bool claims);

}  // namespace pausa::cli
