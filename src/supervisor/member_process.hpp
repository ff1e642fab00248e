// Who a container's process is and what it may do: user, variables, capabilities, filter. The same
// for a member and for what is executed beside it.
#pragma once

#include "image/image.hpp"
#include "launch/plan.hpp"
#include "pod/expand.hpp"
#include "pod/spec.hpp"
#include "security/seccomp.hpp"
#include "security/user.hpp"
#include "supervisor/pod_context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

// user: instead of the manifest's, as "uid[:gid]" or names of the image.
security::Identity resolve_user(const PodContext& context, const pod::Container& container,
                                const image::ResolvedImage& image,
                                const std::optional<std::string>& user);

// Command, arguments and variables, with what they refer to. Throws ContainerConfigError; but for a
// process beside a container that runs, what is missing by now is left out.
pod::Expanded expand(const PodContext& context, const pod::Container& container, bool beside);

// The argv of a container by Kubernetes' table: command replaces ENTRYPOINT and CMD, args replaces
// CMD. Throws when nothing is left to run.
std::vector<std::string> container_argv(const std::vector<std::string>& command,
                                        const std::vector<std::string>& args,
                                        const image::ImageConfig& config);

// Least to most: ours, the image's, the manifest's (own).
std::vector<std::string> environment(const PodContext& context, const pod::Container& container,
                                     const image::ResolvedImage& image, const pod::KeyValues& own,
                                     const std::string& home);
void set_variable(std::vector<std::string>& env, const std::string& name, const std::string& value);
bool has_variable(const std::vector<std::string>& env, const std::string& name);

// All but argv, variables, folder and streams. It borrows the filter.
launch::Process make_process(const PodContext& context, const pod::Container& container,
                             const security::Identity& identity,
                             std::optional<security::Filter>& filter);

}  // namespace pausa::supervisor
