// From a request to the flat plan of the child: checked, and laid out in memory that stays where it
// is. And back: from the child's report to the sentence. Pure; private to the room's sandbox.cpp.
#pragma once

#include "infra/enter.hpp"
#include "infra/protocol.hpp"
#include "infra/sandbox.hpp"
#include "sys/error.hpp"

#include <string>
#include <vector>

namespace pausa::infra {

// Owns what the plan points into. Throws sys::Error for what the request may not ask.
class SandboxPlan {
 public:
  // The request must live as long as the plan.
  explicit SandboxPlan(const SandboxRequest& request);
  SandboxPlan(const SandboxPlan&) = delete;
  SandboxPlan& operator=(const SandboxPlan&) = delete;

  EnterPlan flat(int report) const;

 private:
  const SandboxRequest& request_;
  std::vector<std::string> paths_;
  std::vector<SysctlWrite> sysctls_;
  std::vector<TmpfsMount> tmpfs_;
  std::vector<FileWrite> files_;
  std::vector<const char*> argv_;
};

// What failed, with what to do about it where we know.
sys::Error report_error(const Report& report, const SandboxRequest& request);
sys::Error clone_error(int err, const SandboxRequest& request);

}  // namespace pausa::infra
