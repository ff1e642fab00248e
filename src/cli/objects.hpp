// The objects beside the pods, as `up` stores them and `down` removes them.
#pragma once

#include "manifest/load.hpp"
#include "pod/object.hpp"
#include "state/object_store.hpp"
#include "state/paths.hpp"
#include "state/store.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace pausa::cli {

// "configmap/settings".
std::string object_words(const pod::Object& object);

// Adds to a manifest what `--configmap-from` and `--secret-from` say: "NAME=FILE" is one key, named
// after the file, "NAME=FOLDER" one for each file in it. They come into every namespace that the
// manifest's pods are in. Throws UsageError, sys::Error.
void add_objects_of_files(const std::vector<std::string>& words, pod::ObjectKind kind,
                          manifest::LoadResult& loaded);

// What the pods of a manifest can refer to: its own objects, then the stored ones but those that
// are about to be removed. All borrowed.
class KnownObjects : public pod::ObjectSource {
 public:
  KnownObjects(const manifest::LoadResult& loaded, const state::Paths& paths,
               const std::vector<pod::Object>& leaving)
      : loaded_(loaded), store_(paths), leaving_(leaving) {}
  std::optional<pod::Object> find(pod::ObjectKind kind, const std::string& namespace_,
                                  const std::string& name) const override;

 private:
  const manifest::LoadResult& loaded_;
  state::ObjectStore store_;
  const std::vector<pod::Object>& leaving_;
};

// What the pods refer to and nobody has; sorted, with files and places.
pod::Diagnostics missing_references(const manifest::LoadResult& loaded, const state::Paths& paths,
                                    const std::vector<pod::Object>& leaving = {});

// Lets the running pods of these namespaces take new content into their volumes, and where node
// ports are not what the pods were told last, the supervisors that publish them. What goes wrong is
// told on standard error.
void refresh_pods(const state::Store& store, std::set<std::string> namespaces);

// What `up` does with one object of a manifest.
struct ObjectPlan {
  enum class Kind : std::uint8_t { create, update, keep };
  Kind kind = Kind::create;
  pod::Object object;                 // as it is to be stored
  std::optional<pod::Object> before;  // as it is
};

// origins: by source, where the objects come from. Throws sys::Error for one that is immutable.
std::vector<ObjectPlan> plan_objects(const state::ObjectStore& store,
                                     const std::vector<manifest::LoadedObject>& objects,
                                     const std::vector<std::string>& origins);

// Stores what is new or changed, gives Services their addresses and binds claims to volumes. Throws
// sys::Error, with some stored.
void apply_objects(const state::Store& pods, const std::vector<ObjectPlan>& plans);

// The file that brought it; empty: nobody knows. It stands in an annotation of the stored object.
std::string object_origin(const pod::Object& object);
// The same in the tree of one that is kept as such.
std::string node_origin(const pod::Node& object);
void set_node_origin(pod::Node& object, const std::string& origin);

// Makes names and rules what policies, Services and pods are by now. What goes wrong is told on
// standard error. An exit code: pods reach each other and the world without Services, but policies
// that do not hold are a failure.
int sync_rules(const state::Store& store) noexcept;

// Removes a stored object; whether it was there. A claim stays, unless it is to go with its data.
bool remove_object(const state::Paths& paths, const pod::Object& object, bool claims);

}  // namespace pausa::cli
