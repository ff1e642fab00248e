#include "pod/fields.hpp"

namespace pausa::pod {
namespace {

constexpr Support done = Support::done;
constexpr Support none = Support::no_effect;
constexpr Support never = Support::unsupported;

constexpr std::string_view bookkeeping = "kept by a cluster; there is none here";
constexpr std::string_view scheduling = "there is one machine and no scheduler";
constexpr std::string_view storage =
    "no driver for this storage here; mount it on the host and use hostPath";
constexpr std::string_view address =
    "empty: 127.0.0.1 of the pod; else an IP address or localhost, seen from the pod";
constexpr std::string_view one_by_one =
    "pods are replaced one after another, and ready when their probes say so";
constexpr std::string_view no_history = "there are no revisions; keep the manifests";
constexpr std::string_view selinux =
    "SELinux labels are not set; a label that is not applied must not be asked for";
constexpr std::string_view no_option = "pausa debug has no option for it";
constexpr std::string_view not_ephemeral = "not for ephemeral containers, as in Kubernetes";

// clang-format off
constexpr FieldSupport table[] = {
#include "pod/fields_pod.inc"
#include "pod/fields_container.inc"
#include "pod/fields_volume.inc"
#include "pod/fields_object.inc"
#include "pod/fields_policy.inc"
#include "pod/fields_service.inc"
#include "pod/fields_workload.inc"
};
// clang-format on

}  // namespace

std::span<const FieldSupport> field_table() {
  return table;
}

}  // namespace pausa::pod
