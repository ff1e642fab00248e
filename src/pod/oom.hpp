// Who goes first when the machine's memory runs out: the kubelet's oom_score_adj by QoS class.
// Pure.
#pragma once

#include "pod/spec.hpp"

#include <cstdint>

namespace pausa::pod {

// Of those who keep the pod: the supervisor, its guard, infra.
inline constexpr int keeper_oom_score = -998;

// memory: of the machine, in bytes. sidecar: protected as well as the containers that it serves.
int oom_score_adj(const Spec& spec, const Container& container, bool sidecar, std::int64_t memory);

}  // namespace pausa::pod
