#include "supervisor/member_process.hpp"

#include "pod/environment.hpp"
#include "pod/oom.hpp"
#include "security/caps.hpp"
#include "security/rlimits.hpp"
#include "supervisor/mounts.hpp"
#include "supervisor/own_services.hpp"
#include "supervisor/surroundings.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

const char* const default_path =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

template <typename T>
std::optional<T> first_of(const std::optional<T>& own, const std::optional<T>& pod) {
  return own ? own : pod;
}

// The tree in which the image's passwd and group files are: its topmost layer that has them.
sys::UniqueFd open_user_files(const image::ResolvedImage& image) {
  for (const auto& layer : image.layers) {
    sys::UniqueFd root = sys::open_dir(layer);
    if (sys::try_open_in_root(root.get(), "/etc/passwd", O_PATH)) return root;
  }
  return sys::open_dir(image.layers.back());
}

bool has_own_services(const PodContext& context) {
  return !context.pod.spec.host_network &&
         context.record->network.mode == state::NetworkRecord::Mode::loopback;
}

std::optional<pod::SeccompProfile> seccomp_of(const PodContext& context,
                                              const pod::Container& container) {
  return first_of(container.security.seccomp_profile, context.pod.spec.security.seccomp_profile);
}

std::optional<security::Filter> filter_for(const PodContext& context,
                                           const pod::Container& container, security::CapSet caps) {
  const auto profile = seccomp_of(context, container);
  // As in every runtime: a privileged container is unconfined unless it asks for a profile.
  if (!profile && container.security.privileged) return std::nullopt;
  if (!profile || profile->type == pod::SeccompType::runtime_default)
    return security::compile(security::default_profile(), caps);
  if (profile->type == pod::SeccompType::unconfined) return std::nullopt;
  const std::string folder = context.host.root ? "/etc/pausa/seccomp" : std::string();
  const char* configured = std::getenv("PAUSA_SECCOMP_ROOT");
  const std::string root = configured != nullptr ? configured : folder;
  if (root.empty())
    throw sys::Error("seccompProfile Localhost: set PAUSA_SECCOMP_ROOT to the folder of profiles");
  try {
    const sys::UniqueFd dir = sys::open_dir(root);
    const sys::UniqueFd file =
        sys::open_in_root(dir.get(), profile->localhost_profile, O_RDONLY | O_NONBLOCK);
    struct ::stat info {};
    if (::fstat(file.get(), &info) < 0 || !S_ISREG(info.st_mode))
      throw sys::Error("not a regular file");
    const std::string text = sys::read_all(file.get(), 1U << 20U, profile->localhost_profile);
    return security::compile(security::load_profile(text).view(), caps);
  } catch (sys::Error& error) {
    error.prepend("localhostProfile " + profile->localhost_profile + " below " + root);
    throw;
  }
}

void require_filter_allows_launch(const security::Filter& filter) {
  const auto refused = security::refused_after_filter(filter.program);
  if (refused.empty()) return;
  std::string names;
  for (const auto& name : refused) names += (names.empty() ? "" : ", ") + name;
  throw sys::Error("the seccomp profile refuses what the start of a container needs: " + names +
                   "; allow these calls, or set allowPrivilegeEscalation: false, with which the "
                   "filter is loaded later");
}

}  // namespace

security::Identity resolve_user(const PodContext& context, const pod::Container& container,
                                const image::ResolvedImage& image,
                                const std::optional<std::string>& user) {
  const auto& pod = context.pod.spec.security;
  const auto& own = container.security;
  security::UserRequest request;
  if (!user) {
    request.run_as_user = first_of(own.run_as_user, pod.run_as_user);
    request.run_as_group = first_of(own.run_as_group, pod.run_as_group);
  }
  request.run_as_non_root = own.run_as_non_root.value_or(pod.run_as_non_root.value_or(false));
  request.image_user = user ? *user : image.config.user;
  const sys::UniqueFd rootfs = open_user_files(image);
  request.rootfs = rootfs.get();
  request.supplemental_groups = pod.supplemental_groups;
  request.fs_group = pod.fs_group;
  request.strict_groups = pod.supplemental_groups_policy == pod::SupplementalGroupsPolicy::strict;
  auto identity = security::resolve_identity(request);
  require_mapped(identity.uid, context.mapped_ids, "user");
  require_mapped(identity.gid, context.mapped_ids, "group");
  // Those of an image's group file that do not exist here are nobody's wish.
  std::erase_if(identity.groups, [&](std::uint32_t id) { return id >= context.mapped_ids; });
  return identity;
}

pod::Expanded expand(const PodContext& context, const pod::Container& container, bool beside) {
  const PodSurroundings surroundings(context.pod, *context.store, *context.record);
  auto environment = pod::outside_env(context.pod, container, surroundings, beside);
  if (environment.fault) throw ContainerConfigError(*environment.fault);
  if (context.pod.spec.service_links)
    add_service_variables(*context.store, context.pod, has_own_services(context),
                          environment.outside.from);
  auto expanded = pod::expand_container(container, environment.outside);
  if (expanded.fault) throw sys::Error(*expanded.fault);
  return expanded;
}

std::vector<std::string> container_argv(const std::vector<std::string>& command,
                                        const std::vector<std::string>& args,
                                        const image::ImageConfig& config) {
  std::vector<std::string> argv = command.empty() ? config.entrypoint : command;
  const auto& rest = !args.empty() ? args : command.empty() ? config.cmd : args;
  argv.insert(argv.end(), rest.begin(), rest.end());
  if (argv.empty())
    throw sys::Error("no command: the image has neither ENTRYPOINT nor CMD; set command");
  return argv;
}

void set_variable(std::vector<std::string>& env, const std::string& name,
                  const std::string& value) {
  const std::string prefix = name + "=";
  const auto old = std::find_if(env.begin(), env.end(),
                                [&](const std::string& pair) { return pair.starts_with(prefix); });
  if (old != env.end())
    *old = prefix + value;
  else
    env.push_back(prefix + value);
}

bool has_variable(const std::vector<std::string>& env, const std::string& name) {
  return std::any_of(env.begin(), env.end(),
                     [&](const std::string& pair) { return pair.starts_with(name + "="); });
}

std::vector<std::string> environment(const PodContext& context, const pod::Container& container,
                                     const image::ResolvedImage& image, const pod::KeyValues& own,
                                     const std::string& home) {
  std::vector<std::string> env{default_path, "HOSTNAME=" + context.hostname};
  if (container.tty) env.emplace_back("TERM=xterm");
  for (const auto& pair : image.config.env) {
    const auto split = pair.find('=');
    if (split != std::string::npos)
      set_variable(env, pair.substr(0, split), pair.substr(split + 1));
  }
  for (const auto& [name, value] : own) set_variable(env, name, value);
  if (!has_variable(env, "HOME")) env.push_back("HOME=" + home);
  return env;
}

launch::Process make_process(const PodContext& context, const pod::Container& container,
                             const security::Identity& identity,
                             std::optional<security::Filter>& filter) {
  launch::Process process;
  process.uid = identity.uid;
  process.gid = identity.gid;
  process.groups = identity.groups;
  process.keep_groups = context.mapped_ids == 1;
  const auto& security = container.security;
  const auto decision =
      security::effective_caps(security.capabilities_add, security.capabilities_drop,
                               security.privileged, context.host.caps);
  if (!decision.unavailable.empty()) {
    std::string names;
    for (const auto& name : security::cap_names(decision.unavailable))
      names += (names.empty() ? "" : ", ") + name;
    throw sys::Error("capabilities " + names + " are not ours to give on this machine");
  }
  process.capabilities = decision.set.bits;
  process.no_new_privs = security.allow_privilege_escalation == false;
  filter = filter_for(context, container, decision.set);
  if (filter) {
    if (!process.no_new_privs) require_filter_allows_launch(*filter);
    process.filter = &*filter;
  }
  for (const auto& limit : security::default_rlimits) process.rlimits.push_back(limit);
  const auto& inits = context.pod.spec.init_containers;
  const bool sidecar = container.restart == pod::ContainerRestart::always &&
                       std::any_of(inits.begin(), inits.end(), [&](const pod::Container& init) {
                         return init.name == container.name;
                       });
  process.oom_score_adj =
      std::to_string(pod::oom_score_adj(context.pod.spec, container, sidecar, context.host.memory));
  return process;
}

}  // namespace pausa::supervisor
