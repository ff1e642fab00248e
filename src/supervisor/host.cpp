#include "supervisor/host.hpp"

#include "security/masks.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace pausa::supervisor {
namespace {

sys::UniqueFd open_helper(const char* name) {
  const std::string path = sys::helper_path(name);
  try {
    return sys::open_program(path);
  } catch (sys::Error& error) {
    error.advise("it belongs beside bin/pausa: install pausa as a whole");
    throw;
  }
}

}  // namespace

Host Host::probe() {
  const std::string program = sys::own_program();
  Host host{program,
            // As it runs now: out of reach, if it is.
            sys::open_at(AT_FDCWD, "/proc/self/exe", O_PATH),
            open_helper("pausa-infra"),
            open_helper("pausa-guard"),
            cgroup::Hierarchy::detect(),
            security::host_caps(),
            ::geteuid() == 0,
            {},
            {},
            static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE),
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
