#include "supervisor/host.hpp"

#include "security/masks.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pausa::supervisor {
namespace {

std::string own_path() {
  std::string path(4096, '\0');
  const ssize_t size =
      sys::check(::readlink("/proc/self/exe", path.data(), path.size()), "read /proc/self/exe");
  path.resize(static_cast<std::size_t>(size));
  return path;
}

// PREFIX/bin/pausa has its helpers in PREFIX/libexec/pausa.
sys::UniqueFd open_helper(const std::string& program, const char* name) {
  const auto bin = program.rfind('/');
  const auto prefix = program.rfind('/', bin == 0 ? 0 : bin - 1);
  const std::string path = program.substr(0, prefix) + "/libexec/pausa/" + name;
  try {
    return sys::open_at(AT_FDCWD, path, O_PATH);
  } catch (sys::Error& error) {
    error.advise("it belongs beside bin/pausa: install pausa as a whole");
    throw;
  }
}

}  // namespace

Host Host::probe() {
  const std::string program = own_path();
  Host host{program,
            sys::open_at(AT_FDCWD, program, O_PATH),
            open_helper(program, "pausa-infra"),
            open_helper(program, "pausa-guard"),
            cgroup::Hierarchy::detect(),
            security::host_caps(),
            ::geteuid() == 0,
            {},
            {},
            UINT32_MAX};
  for (const auto path : security::masked_paths)
    if (::access(std::string(path).c_str(), F_OK) == 0) host.masked_paths.emplace_back(path);
  for (const auto path : security::read_only_paths)
    if (::access(std::string(path).c_str(), F_OK) == 0) host.read_only_paths.emplace_back(path);
  const long processors = ::sysconf(_SC_NPROCESSORS_CONF);
  for (long i = 0; i < processors; ++i) {
    std::string path = std::string(security::masked_cpu_prefix) + std::to_string(i) +
                       std::string(security::masked_cpu_suffix);
    if (::access(path.c_str(), F_OK) == 0) host.masked_paths.push_back(std::move(path));
  }
  return host;
}

}  // namespace pausa::supervisor
