// What the verbs for one kind of stored objects have in common: `ls`, and `describe` of some.
#pragma once

#include "cli/options.hpp"
#include "cli/output.hpp"
#include "pod/node.hpp"
#include "pod/object.hpp"
#include "state/store.hpp"

#include <functional>
#include <string>
#include <vector>

namespace pausa::cli {

struct ShownObject {
  std::vector<std::string> cells;  // of its line
  pod::Node node;                  // for -o json
};

// How objects of a kind look to people and programs.
struct ObjectView {
  pod::ObjectKind kind;
  std::string called;  // "Service", where there is none of a name
  std::vector<std::string> columns;
  std::function<ShownObject(const pod::Object&)> show;
  std::function<std::string(const pod::Object&)> description = nullptr;  // for people
};

// -n, else the namespace of those who do not say.
std::string namespace_of(const Options& options);

// Throws NoSuchObject.
pod::Object find_object(const state::Store& store, const ObjectView& view, const std::string& name,
                        const Options& options);

// Those of all namespaces, unless -n is given. Returns the exit code.
int list_objects(const state::Store& store, const ObjectView& view, const Options& options,
                 Format format);

// The verb of a kind with these two: `pausa VERB ls`, `pausa VERB describe NAME…`. look is called
// when its words are in order.
int run_object_verb(const std::string& verb, const Options& options,
                    const std::function<ObjectView(const state::Store&)>& look);

std::string joined(const std::vector<std::string>& words, const std::string& nothing);

}  // namespace pausa::cli
