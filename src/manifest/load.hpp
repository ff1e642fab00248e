// The whole way from text to pods and the objects beside them: read, unpack (what a List holds,
// too), validate, decode; a Deployment and its like become their pods. The engine reads a stored
// pod the same way: load() of to_json(object) gives the same Pod. Pure.
#pragma once

#include "manifest/reader.hpp"
#include "pod/diagnostic.hpp"
#include "pod/node.hpp"
#include "pod/object.hpp"
#include "pod/spec.hpp"
#include "pod/validate.hpp"
#include "pod/workload.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace pausa::manifest {

struct LoadedPod {
  pod::Pod pod;
  pod::Node object;        // as given, but with absolute hostPaths
  std::size_t source = 0;  // index into LoadResult::sources
  std::string prefix;      // where it stands in its document: "items[2].", "spec.template."
  std::string owner;       // what made it: "deployment/web"; empty: it stands for itself
};

struct LoadedObject {
  pod::Object object;  // with absolute paths
  pod::Node node;      // as given, for its marks
  std::size_t source = 0;
  std::string prefix;
};

// A kind that makes pods of a template. Those of one that keeps them are among the pods.
struct LoadedWorkload {
  pod::Workload workload;
  pod::Node object;  // with absolute hostPaths
  std::size_t source = 0;
  std::string prefix;
  std::optional<LoadedPod> sample;  // of a Job or CronJob: what its pods are like
};

struct LoadResult {
  std::vector<Source> sources;
  // In the manifest's order; none when there is an error.
  std::vector<LoadedPod> pods;
  std::vector<LoadedObject> objects;
  std::vector<LoadedWorkload> workloads;
  pod::Diagnostics diagnostics;  // sorted by source and place
  VariableNames variables;       // as ReadResult has them
};

// variables: as read() takes them.
LoadResult load(std::vector<Source> sources, const pod::ValidateOptions& options = {},
                const Variables* variables = nullptr);

// load_sources() and load() in one, with the diagnostics of both.
LoadResult load_paths(const std::vector<std::string>& paths,
                      const pod::ValidateOptions& options = {},
                      const Variables* variables = nullptr);

}  // namespace pausa::manifest
