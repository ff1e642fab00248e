// What a pod can learn of the machine and the store around it: asked for only where a manifest
// refers to it. Implemented by the supervisor, and by tests.
#pragma once

#include "pod/object.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pausa::pod {

struct NodeSize {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t storage_bytes = 0;
};

class Surroundings {
 public:
  virtual ~Surroundings() = default;

  // Of the pod's namespace.
  virtual std::optional<Object> object(ObjectKind kind, const std::string& name) const = 0;
  virtual std::string uid() const = 0;
  virtual std::string node_name() const = 0;
  virtual std::vector<std::string> pod_ips() const = 0;
  virtual std::vector<std::string> host_ips() const = 0;
  virtual NodeSize node_size() const = 0;
  // The text of a file in a volume; nullopt when it is not there.
  virtual std::optional<std::string> file(const std::string& volume,
                                          const std::string& path) const = 0;
};

}  // namespace pausa::pod
