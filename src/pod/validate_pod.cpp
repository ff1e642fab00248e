// kubernetes_validation(): the API server's rules in its order.
#include "pod/rules.hpp"
#include "pod/validate.hpp"

namespace pausa::pod {

Diagnostics kubernetes_validation(const Node& pod) {
  const Value root(pod);
  Findings findings;
  check_metadata(root, findings);
  if (root["spec"]["containers"].size() == 0) findings.required(root["spec"]["containers"]);
  return findings.take();
}

void check_our_rules(const Value& pod, Findings& findings) {
  (void)pod;
  (void)findings;
}

}  // namespace pausa::pod
