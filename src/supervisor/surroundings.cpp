#include "supervisor/surroundings.hpp"

#include "state/object_store.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/volume_sources.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>

namespace pausa::supervisor {
namespace {

// The kubelet reads no larger one.
constexpr std::size_t env_file_limit = 64U << 10U;

// The address that this machine would use towards the world. A connected datagram socket tells it
// and sends nothing. Empty without a route.
std::string own_address_v4() {
  const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  socklen_t size = sizeof address;
  std::array<char, INET_ADDRSTRLEN> text{};
  if (!socket || ::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr) != 1 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
      ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()) == nullptr)
    return {};
  return text.data();
}

std::string own_address_v6() {
  const sys::UniqueFd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(9);
  socklen_t size = sizeof address;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!socket || ::inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr) != 1 ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0 ||
      ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size()) == nullptr)
    return {};
  return text.data();
}

}  // namespace

std::optional<pod::Object> PodSurroundings::object(pod::ObjectKind kind,
                                                   const std::string& name) const {
  return state::ObjectStore(store_.paths()).find(kind, pod_.metadata.namespace_, name);
}

std::string PodSurroundings::node_name() const {
  utsname names{};
  sys::check(::uname(&names), "read the host's name");
  std::string name = names.nodename;
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

// Without an address of its own, it reaches itself by the loopback's.
std::vector<std::string> PodSurroundings::pod_ips() const {
  if (pod_.spec.host_network) return host_ips();
  auto addresses = addresses_of(record_.network);
  if (addresses.empty()) addresses.emplace_back("127.0.0.1");
  return addresses;
}

std::vector<std::string> PodSurroundings::host_ips() const {
  std::vector<std::string> addresses;
  for (std::string address : {own_address_v4(), own_address_v6()})
    if (!address.empty()) addresses.push_back(std::move(address));
  if (addresses.empty()) addresses.emplace_back("127.0.0.1");
  return addresses;
}

pod::NodeSize PodSurroundings::node_size() const {
  pod::NodeSize size;
  size.cpu_milli = ::sysconf(_SC_NPROCESSORS_ONLN) * 1000;
  struct ::sysinfo memory {};
  if (::sysinfo(&memory) == 0)
    size.memory_bytes = static_cast<std::int64_t>(memory.totalram) * memory.mem_unit;
  struct ::statvfs disk {};
  if (::statvfs(store_.paths().root.c_str(), &disk) == 0)
    size.storage_bytes =
        static_cast<std::int64_t>(disk.f_blocks) * static_cast<std::int64_t>(disk.f_frsize);
  return size;
}

std::optional<std::string> PodSurroundings::file(const std::string& volume,
                                                 const std::string& path) const {
  // A container wrote it, and may have put a link or a device there.
  const sys::UniqueFd root = open_empty_dir(pod_.spec, store_, record_, volume);
  if (!root) return std::nullopt;
  const sys::UniqueFd file =
      sys::try_open_in_root(root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return std::nullopt;
  struct ::stat info {};
  sys::check(::fstat(file.get(), &info), "look at ", path);
  if (!S_ISREG(info.st_mode)) throw sys::Error(path + " is not a regular file");
  return sys::read_all(file.get(), env_file_limit, path);
}

}  // namespace pausa::supervisor
