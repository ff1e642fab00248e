// kubernetes_validation(): the API server's rules, part by part.
#include "pod/rules.hpp"
#include "pod/validate.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view restart_policies[] = {"Always", "OnFailure", "Never"};
constexpr std::string_view systems[] = {"linux", "windows"};
constexpr std::int64_t longest_deadline = 2147483647;

void check_spec(const Value& spec, Findings& findings) {
  const PodFacts facts(spec);
  check_volumes(spec, facts, findings);
  check_all_containers(spec, facts, findings);
  check_pod_resources(spec, facts, findings);
  check_choice(spec["restartPolicy"], restart_policies, findings);
  check_range(spec["activeDeadlineSeconds"], 1, longest_deadline, findings);
  if (const Value os = spec["os"]; os.present() && check_required(os["name"], findings))
    check_choice(os["name"], systems, findings);
  check_pod_security(spec, findings);
  check_network(spec, findings);
  check_scheduling(spec, findings);
}

}  // namespace

void check_pod_parts(const Value& pod, Findings& findings) {
  check_pod_annotations(pod, findings);
  check_spec(pod["spec"], findings);
  check_affinity(pod, findings);
  check_spread(pod, findings);
  check_resource_claims(pod, findings);
}

Diagnostics kubernetes_validation(const Node& pod) {
  const Value root(pod);
  Findings findings;
  check_metadata(root, findings);
  check_pod_parts(root, findings);
  return findings.take();
}

}  // namespace pausa::pod
