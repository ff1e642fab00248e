// The node ports of Services of a user without root, which the pods' supervisors publish: they hear
// of changes from the commands that make them.
#pragma once

#include "cli/objects.hpp"
#include "supervisor/services.hpp"

#include <set>
#include <string>
#include <vector>

namespace pausa::cli {

// The node ports that a Service names and has not yet.
std::vector<supervisor::NodePort> new_node_ports(const std::vector<ObjectPlan>& plans);
// Without root: tells on standard error who else has one of them.
void tell_taken(const state::Store& store, const std::vector<supervisor::NodePort>& ports);

// What supervisors were told of, in a file beside the leases: who is killed before they are told
// leaves that to the next command. With root it is empty: rules do it.
class NodePortMark {
 public:
  explicit NodePortMark(const state::Store& store);
  // The namespaces whose pods are to be told.
  std::set<std::string> untold() const;
  // They were.
  void keep() const;

 private:
  std::string folder_;
  std::set<std::string> told_, now_;  // "NAMESPACE OBJECT"
};

}  // namespace pausa::cli
