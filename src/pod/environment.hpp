// The variables of a container that come from elsewhere than its own text, by Kubernetes' rules:
// envFrom (later entries win, env wins over all), valueFrom. And the value of a single reference,
// for the files of a volume. Pure: what is around the pod is asked through Surroundings.
#pragma once

#include "pod/expand.hpp"
#include "pod/spec.hpp"
#include "pod/surroundings.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace pausa::pod {

struct Environment {
  OutsideEnv outside;
  // What is missing or wrong: "env \"A\": configmap \"c\" has no key \"k\"".
  std::optional<std::string> fault;
};

// lenient: what is missing is left out, as if it were optional (for a process beside a container
// that runs already).
Environment outside_env(const Pod& pod, const Container& container,
                        const Surroundings& surroundings, bool lenient = false);

// "metadata.labels" as a file's text: one key="value" a line, sorted, values quoted as Go does it.
std::string field_text(const Pod& pod, const FieldRef& ref, const Surroundings& surroundings);
// Rounded up to the divisor. A limit that is not set is what the machine has; a request is 0.
// self: the container that asks, where the reference names none.
std::string resource_text(const Pod& pod, const Container* self, const ResourceRef& ref,
                          const Surroundings& surroundings);

// One variable of an env file (fileKeyRef): lines NAME='value', where the value may hold line
// breaks; blank lines and those that begin with # do not count.
struct EnvFileValue {
  std::optional<std::string> value;  // the last of that name
  std::optional<std::string> fault;  // "line 3: a value stands in single quotes"
};
EnvFileValue find_in_env_file(std::string_view text, std::string_view name);

}  // namespace pausa::pod
