// Why a container is as it is, in sentences for people: how it ended, what that code means, how
// often it was started again, and what to do next. Pure; the caller has read state and spec.
#pragma once

#include "pod/lifecycle.hpp"
#include "pod/spec.hpp"

#include <string>

namespace pausa::cli {

struct Diagnosis {
  bool trouble = false;  // something went wrong, or goes wrong
  std::string text;      // whole sentences, without the container's name in front
  std::string next;      // what to do; empty: nothing is to be done
};

// target: how commands name the container, "shop/api". now: wall-clock time.
Diagnosis diagnose(const pod::Container& spec, const pod::ContainerState& state,
                   const std::string& target, pod::WallTime now);

}  // namespace pausa::cli
