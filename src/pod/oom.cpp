#include "pod/oom.hpp"

#include "pod/qos.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr int guaranteed = -997;
constexpr int best_effort = 1000;

// The more of the machine's memory a container has asked for, the later it goes: from 999, which is
// before a BestEffort one, to 3, which is after every other.
int burstable(std::int64_t request, std::int64_t memory) {
  const auto share =
      static_cast<double>(request) / static_cast<double>(std::max<std::int64_t>(memory, 1));
  const int score = best_effort - static_cast<int>(std::min(share, 1.0) * best_effort);
  return std::clamp(score, best_effort + guaranteed, best_effort - 1);
}

}  // namespace

int oom_score_adj(const Spec& spec, const Container& container, bool sidecar, std::int64_t memory) {
  const auto qos = qos_class(spec);
  if (qos == "Guaranteed") return guaranteed;
  if (qos == "BestEffort") return best_effort;
  // What the pod has asked for beyond its containers' sum is theirs in equal parts.
  std::int64_t spare = 0;
  if (spec.resources.request_memory_bytes) {
    spare = *spec.resources.request_memory_bytes;
    for (const auto& member : spec.containers)
      spare -= member.resources.request_memory_bytes.value_or(0);
    spare = std::max<std::int64_t>(spare, 0) /
            static_cast<std::int64_t>(std::max<std::size_t>(spec.containers.size(), 1));
  }
  int score = burstable(container.resources.request_memory_bytes.value_or(0) + spare, memory);
  if (!sidecar) return score;
  for (const auto& member : spec.containers)
    score = std::min(score,
                     burstable(member.resources.request_memory_bytes.value_or(0) + spare, memory));
  return score;
}

}  // namespace pausa::pod
