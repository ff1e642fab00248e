#include "supervisor/member.hpp"

#include "pod/environment.hpp"
#include "pod/expand.hpp"
#include "pod/oom.hpp"
#include "security/caps.hpp"
#include "security/rlimits.hpp"
#include "supervisor/last_words.hpp"
#include "supervisor/machine_devices.hpp"
#include "supervisor/services.hpp"
#include "supervisor/surroundings.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

constexpr std::size_t most_image_volumes = 64;

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

// Least to most: ours, the image's, the manifest's.
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

bool has_own_services(const PodContext& context) {
  return !context.pod.spec.host_network &&
         context.record->network.mode == state::NetworkRecord::Mode::loopback;
}

// For a process beside a container that runs, what is missing by now is left out.
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

// Fills in who the process is and what it may do, the same for a member and an exec session.
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

launch::Pod launch_pod(const PodContext& context) {
  return {context.infra_pidfd, context.namespaces, context.pid_namespace};
}

// The overlay's private part: a folder of this instance alone.
void make_upper(const std::string& rootfs_dir, std::uint32_t id_base, rootfs::Request& request) {
  const sys::UniqueFd dir = sys::make_dirs_at(AT_FDCWD, rootfs_dir, 0700);
  sys::check(::mkdirat(dir.get(), "upper", 0755), "make ", rootfs_dir, "/upper");
  sys::check(::mkdirat(dir.get(), "work", 0700), "make ", rootfs_dir, "/work");
  if (id_base != 0)
    sys::check(::fchownat(dir.get(), "upper", id_base, id_base, AT_SYMLINK_NOFOLLOW), "give ",
               rootfs_dir, "/upper to user ", id_base);
  request.upper = rootfs_dir + "/upper";
  request.work = rootfs_dir + "/work";
}

// What the tree of a container in a user namespace takes from the host.
void fit_into_user_namespace(const PodContext& context, const std::string& rootfs_dir,
                             Mounts& mounts, rootfs::Request& tree) {
  if (!context.user_namespace) return;
  tree.user_namespace = true;
  for (auto& [name, fd] : open_host_devices()) {
    tree.host_devices.emplace_back(name, fd.get());
    mounts.sources.push_back(std::move(fd));
  }
  if ((context.namespaces & CLONE_NEWUSER) != 0) {
    mounts.sources.push_back(open_user_namespace(context.infra_pidfd));
    tree.id_map = mounts.sources.back().get();
    tree.mapped = rootfs_dir;
    const sys::UniqueFd dir = sys::open_dir(rootfs_dir);
    for (std::size_t i = 0; i < tree.lower.size(); ++i)
      (void)sys::make_dirs_at(dir.get(), "lower" + std::to_string(i), 0700);
    for (std::size_t n = 0; n < mounts.binds.size(); ++n) {
      auto& bind = mounts.binds[n];
      const std::string name = "volume" + std::to_string(n) + ".";
      bind.mapped = rootfs_dir + "/" + name;
      for (std::size_t i = 0; i < bind.layers.size(); ++i)
        (void)sys::make_dirs_at(dir.get(), name + std::to_string(i), 0700);
    }
  } else if (context.pod.spec.host_network) {
    // Only the owner of a network may make a sysfs of it.
    mounts.sources.push_back(sys::open_at(AT_FDCWD, "/sys", O_PATH));
    tree.bind_sys = true;
    tree.host_sys = mounts.sources.back().get();
  }
}

// At what is mounted, or in it.
bool is_in_mount(const std::vector<rootfs::Bind>& binds, const std::string& path) {
  return std::any_of(binds.begin(), binds.end(), [&path](const rootfs::Bind& bind) {
    return path == bind.target || path.starts_with(bind.target + "/");
  });
}

bool mounts_at(const std::vector<rootfs::Bind>& binds, const std::string& target) {
  return std::any_of(binds.begin(), binds.end(),
                     [&](const rootfs::Bind& bind) { return bind.target == target; });
}

// /etc/hosts and its like, unless the container mounts its own there (as the kubelet does it).
void add_pod_files(const PodContext& context, const std::vector<rootfs::Bind>& volumes,
                   std::vector<rootfs::Bind>& binds) {
  for (const char* name : {"hosts", "hostname", "resolv.conf"}) {
    rootfs::Bind bind;
    bind.target = std::string("/etc/") + name;
    if (mounts_at(volumes, bind.target)) continue;
    bind.what = std::string("the pod's ") + name;
    bind.infra_path = std::string("/tmpfs/etc/") + name;
    bind.file = true;
    binds.push_back(std::move(bind));
  }
  if (!context.pod.spec.host_ipc && !mounts_at(volumes, "/dev/shm")) {
    rootfs::Bind shm;
    shm.target = "/dev/shm";
    shm.what = "the pod's shared memory";
    shm.infra_path = "/tmpfs/shm";
    binds.push_back(std::move(shm));
  }
}

// Where the container may say why it ends, unless a volume has the place.
void add_message_file(const pod::Container& container, const std::string& rootfs_dir,
                      Mounts& mounts) {
  const std::string& path = container.termination_message_path;
  if (path.empty() || mounts_at(mounts.binds, path)) return;
  rootfs::Bind bind;
  bind.target = path.front() == '/' ? path : "/" + path;
  bind.what = "the termination message";
  bind.file = true;
  mounts.sources.push_back(make_message_file(rootfs_dir));
  bind.fd = mounts.sources.back().get();
  mounts.binds.push_back(std::move(bind));
}

}  // namespace

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

void require_config(const PodContext& context, const pod::Container& container) {
  const auto& mounts = container.volume_mounts;
  const bool refers =
      !container.env_from.empty() ||
      std::any_of(container.env.begin(), container.env.end(),
                  [](const pod::EnvVar& variable) { return variable.from != nullptr; }) ||
      std::any_of(mounts.begin(), mounts.end(),
                  [](const pod::VolumeMount& mount) { return mount.expand_sub_path; });
  if (!refers) return;
  const auto expanded = expand(context, container, false);
  for (const auto& mount : mounts) {
    if (!mount.expand_sub_path) continue;
    if (const auto path = pod::expand_sub_path(mount.sub_path, expanded.env); path.fault)
      throw ContainerConfigError("volume " + mount.name + ": " + *path.fault);
  }
}

Member prepare_member(const PodContext& context, const pod::Container& container,
                      const image::ResolvedImage& image, cgroup::Group* group,
                      const std::string& rootfs_dir, sys::UniqueFd stdin_end,
                      sys::UniqueFd stdout_end, sys::UniqueFd stderr_end) {
  const auto& spec = context.pod.spec;
  Member member;
  member.identity = resolve_user(context, container, image, std::nullopt);
  const auto expanded = expand(context, container, false);

  launch::MemberRequest request;
  request.pod = launch_pod(context);
  const bool own = !spec.share_process_namespace && context.pid_namespace;
  member.own_pid_namespace = own;
  request.own_pid_namespace = own && context.target_pidfd < 0;
  if (own) request.nested_pidfd = context.target_pidfd;
  if (group != nullptr) request.cgroup_tasks = group->tasks_fds();
  request.process = make_process(context, container, member.identity, member.filter);
  auto& process = request.process;
  process.argv = container_argv(expanded.command, expanded.args, image.config);
  process.env = environment(context, container, image, expanded.env, member.identity.home);
  process.working_dir =
      !container.working_dir.empty() ? container.working_dir : image.config.working_dir;
  process.terminal = container.tty;
  member.stdin_end = std::move(stdin_end);
  member.stdout_end = std::move(stdout_end);
  member.stderr_end = std::move(stderr_end);
  process.stdin_fd = member.stdin_end.get();
  process.stdout_fd = member.stdout_end.get();
  process.stderr_fd = member.stderr_end.get();
  // A pipe belongs to whom it was made by: without this /dev/stdout cannot be opened by others.
  if (const uid_t owner = context.id_base + member.identity.uid; owner != 0)
    for (const auto* end : {&member.stdout_end, &member.stderr_end})
      if (*end)
        sys::check(::fchown(end->get(), owner, static_cast<gid_t>(-1)),
                   "give the log pipe to user ", owner);

  rootfs::Request tree;
  tree.lower = image.layers;
  make_upper(rootfs_dir, context.id_base, tree);
  tree.read_only_root = container.security.read_only_root_filesystem;
  tree.no_suid = process.no_new_privs;
  tree.own_proc = own;
  tree.privileged = container.security.privileged;
  tree.cgroup2 = group != nullptr && group->clone_fd() >= 0;
  if (context.mapped_ids > 5) tree.tty_gid = 5;
  if (!container.security.privileged) {
    tree.masked_paths = image.masked_paths;
    if (container.security.proc_mount == pod::ProcMount::default_) {
      const auto& host = context.host;
      tree.masked_paths.insert(tree.masked_paths.end(), host.masked_paths.begin(),
                               host.masked_paths.end());
      tree.read_only_paths = host.read_only_paths;
    }
  } else {
    tree.masked_paths = image.masked_paths;
  }
  member.mounts =
      open_mounts(context.pod, container, *context.store, *context.record, expanded.env);
  fit_into_user_namespace(context, rootfs_dir, member.mounts, tree);
  if (tree.privileged && !tree.user_namespace) tree.more_devices = machine_devices();
  add_pod_files(context, member.mounts.binds, tree.binds);
  add_message_file(container, rootfs_dir, member.mounts);
  tree.binds.insert(tree.binds.end(), member.mounts.binds.begin(), member.mounts.binds.end());
  tree.working_dir = process.working_dir;
  for (const auto& volume : image.config.volumes)
    if (volume.size() > 1 && volume.size() < 4096 && volume.front() == '/' &&
        volume.find('\0') == std::string::npos && !is_in_mount(tree.binds, volume) &&
        tree.folders.size() < most_image_volumes)
      tree.folders.push_back(volume);
  request.layout = std::make_unique<rootfs::Layout>(tree);
  member.plan = std::make_unique<launch::OwnedPlan>(std::move(request));
  return member;
}

// So that /dev/stdout can be opened by another user than the pipe's, as with log pipes. Only pipes
// without a name: those of the file system are somebody's files.
void give_pipe(int fd, uid_t owner) {
  struct statfs info {};
  if (fd >= 0 && ::fstatfs(fd, &info) == 0 && info.f_type == PIPEFS_MAGIC)
    (void)::fchown(fd, owner, static_cast<gid_t>(-1));  // not ours to give: then it stays closed
}

Member prepare_exec(const PodContext& context, const pod::Container& container,
                    const image::ResolvedImage& image, cgroup::Group* group,
                    const ExecTarget& target, const ExecOptions& options, int stdin_fd,
                    int stdout_fd, int stderr_fd, const std::vector<int>& tasks) {
  Member member;
  member.identity = resolve_user(context, container, image, options.user);
  member.own_pid_namespace = target.own_pid_namespace;
  const auto expanded = expand(context, container, true);

  launch::ExecRequest request;
  request.pod = launch_pod(context);
  request.member_pidfd = target.member_pidfd;
  request.own_pid_namespace = target.own_pid_namespace;
  if (group != nullptr) request.cgroup_tasks = group->tasks_fds();
  request.cgroup_tasks.insert(request.cgroup_tasks.end(), tasks.begin(), tasks.end());
  request.process = make_process(context, container, member.identity, member.filter);
  auto& process = request.process;
  process.argv = options.argv;
  process.env = environment(context, container, image, expanded.env, member.identity.home);
  if (options.terminal && !has_variable(process.env, "TERM"))
    process.env.emplace_back("TERM=xterm");
  for (const auto& pair : options.env) {
    const auto split = pair.find('=');
    set_variable(process.env, pair.substr(0, split),
                 split == std::string::npos ? "" : pair.substr(split + 1));
  }
  process.working_dir = options.working_dir              ? *options.working_dir
                        : !container.working_dir.empty() ? container.working_dir
                                                         : image.config.working_dir;
  process.terminal = options.terminal;
  process.stdin_fd = stdin_fd;
  process.stdout_fd = stdout_fd;
  process.stderr_fd = stderr_fd;
  if (const uid_t owner = context.id_base + member.identity.uid; owner != 0)
    for (const int fd : {stdin_fd, stdout_fd, stderr_fd}) give_pipe(fd, owner);
  member.plan = std::make_unique<launch::OwnedPlan>(std::move(request));
  return member;
}

}  // namespace pausa::supervisor
