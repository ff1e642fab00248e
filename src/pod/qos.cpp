#include "pod/qos.hpp"

#include <cstdint>
#include <optional>

namespace pausa::pod {

std::string_view qos_class(const Spec& spec) {
  bool any = false;
  bool guaranteed = true;
  const auto judge = [&](const Resources& r) {
    // A quantity of zero counts as none.
    const auto given = [](const std::optional<std::int64_t>& value) {
      return value && *value != 0;
    };
    any = any || given(r.limit_cpu_milli) || given(r.limit_memory_bytes) ||
          given(r.request_cpu_milli) || given(r.request_memory_bytes);
    guaranteed = guaranteed && given(r.limit_cpu_milli) && given(r.limit_memory_bytes) &&
                 r.request_cpu_milli.value_or(*r.limit_cpu_milli) == *r.limit_cpu_milli &&
                 r.request_memory_bytes.value_or(*r.limit_memory_bytes) == *r.limit_memory_bytes;
  };
  const auto& own = spec.resources;
  if (own.limit_cpu_milli || own.limit_memory_bytes || own.request_cpu_milli ||
      own.request_memory_bytes) {
    judge(own);
  } else {
    for (const auto* list : {&spec.init_containers, &spec.containers})
      for (const auto& container : *list) judge(container.resources);
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace pausa::pod
