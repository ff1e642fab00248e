// What becomes of a pod that runs when its manifest is given anew: nothing, a few containers get
// other limits or ports of the host, or are started again in the living pod, or all of it is made
// anew. Pure.
#pragma once

#include "pod/node.hpp"

#include <string>
#include <vector>

namespace pausa::pod {

struct Changes {
  std::string recreate;              // the field for which all is made anew; empty: none
  std::vector<std::string> restart;  // the containers to be started again, in the pod's order
  std::vector<std::string> resize;   // those whose limits change as they live
  std::vector<std::string> publish;  // those whose ports of the host do
  bool metadata = false;             // labels or annotations: told to the pod as it lives

  bool any() const {
    return !recreate.empty() || !restart.empty() || !resize.empty() || !publish.empty() || metadata;
  }
};

// now, wanted: the same Pod's objects as given (its name and namespace are not compared). The order
// of keys does not count.
Changes compare(const Node& now, const Node& wanted);

}  // namespace pausa::pod
