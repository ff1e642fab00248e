// The objects beside the pods, as `up` stores them and `down` removes them.
#pragma once

#include "manifest/load.hpp"
#include "pod/object.hpp"
#include "state/object_store.hpp"
#include "state/paths.hpp"
#include "state/store.hpp"

#include <optional>
#include <set>
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

// What the pods of a manifest can refer to: its own objects, then the stored ones.
class KnownObjects : public pod::ObjectSource {
 public:
  KnownObjects(const manifest::LoadResult& loaded, const state::Paths& paths)
      : loaded_(loaded), store_(paths) {}
  std::optional<pod::Object> find(pod::ObjectKind kind, const std::string& namespace_,
                                  const std::string& name) const override;

 private:
  const manifest::LoadResult& loaded_;
  state::ObjectStore store_;
};

// What the pods refer to and nobody has; sorted, with files and places.
pod::Diagnostics missing_references(const manifest::LoadResult& loaded, const state::Paths& paths);

// Lets the running pods of these namespaces take new content into their volumes. What goes wrong
// is told on standard error.
void refresh_pods(const state::Store& store, const std::set<std::string>& namespaces);

// What an `up` changes in the store, and can take back.
class ObjectChanges {
 public:
  explicit ObjectChanges(const state::Paths& paths) : store_(paths) {}

  // Stores them, and binds claims to volumes. Throws sys::Error, with nothing changed.
  void apply(const std::vector<manifest::LoadedObject>& objects);
  void undo() noexcept;
  // A line each for what apply() was given, changed or not.
  const std::string& words() const { return words_; }
  // The namespaces in which something was changed.
  std::set<std::string> namespaces() const;

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
