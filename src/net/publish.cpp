#include "net/publish.hpp"

#include "net/socket_address.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <set>
#include <sstream>

namespace pausa::net {
namespace {

constexpr int backlog = 1024;
constexpr std::uint16_t how_far = 200;
constexpr std::size_t table_limit = 16U << 20U;

void set(int socket, int level, int option, int value) {
  sys::check(::setsockopt(socket, level, option, &value, sizeof value), "set up a socket");
}

// For as long as this lives, sockets of this user may share their port with others that say so,
// too.
class Sharing {
 public:
  explicit Sharing(std::vector<int> sockets) : sockets_(std::move(sockets)) { say(1); }
  ~Sharing() { say(0); }
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

 private:
  void say(int yes) const {
    for (const int socket : sockets_)
      (void)::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  }
  std::vector<int> sockets_;
};

sys::UniqueFd bind_socket(const PublishedPort& port, bool v6, const std::vector<int>& beside,
                          bool together) {
  const int type = (port.udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK;
  sys::UniqueFd socket(::socket(v6 ? AF_INET6 : AF_INET, type, 0));
  if (!socket) throw sys::Error(errno, "make a socket for port " + to_text(port));
  if (v6) set(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, port.host ? 1 : 0);
  if (!port.udp) {
    set(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);  // after TIME_WAIT
    // For who is accepted, whenever it came: nothing waits for more to say, and a client that has
    // vanished without a word does not hold its connection for ever.
    set(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  }
  if (port.udp && v6) set(socket.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);  // of IPv4, too
  if (port.udp && !v6) set(socket.get(), IPPROTO_IP, IP_PKTINFO, 1);
  if (together) set(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  auto sharing = beside;
  if (!beside.empty()) sharing.push_back(socket.get());
  const Sharing shared(std::move(sharing));
  Address any;
  any.v6 = v6;
  const auto address = socket_address(port.host.value_or(any), port.host_port);
  if (::bind(socket.get(), address.get(), address.size) < 0 ||
      (!port.udp && ::listen(socket.get(), backlog) < 0)) {
    if (errno == EADDRINUSE) return sys::UniqueFd();
    sys::Error error(errno, "listen on port " + to_text(port));
    if (error.err() == EACCES)
      error.advise("take one from 1024 on, or lower sysctl net.ipv4.ip_unprivileged_port_start");
    if (error.err() == EADDRNOTAVAIL) error.advise("this machine has no such address");
    throw error;
  }
  return socket;
}

bool ends_with_port(const std::string& local, std::uint16_t port) {
  const auto colon = local.find(':');
  unsigned number = 0;
  if (colon == std::string::npos) return false;
  std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16);
  return number == port;
}

// The sockets of /proc/net/{tcp,udp}{,6} that have the port: "sl local remote state … inode".
std::set<std::string> sockets_on(const PublishedPort& port) {
  std::set<std::string> sockets;
  for (const char* family : {"", "6"}) {
    const std::string path = std::string("/proc/net/") + (port.udp ? "udp" : "tcp") + family;
    std::istringstream lines(sys::read_file_at(AT_FDCWD, path, table_limit).value_or(""));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string skipped, local, state, inode;
      words >> skipped >> local >> skipped >> state;
      for (int i = 0; i < 5; ++i) words >> skipped;
      words >> inode;
      constexpr const char* listening = "0A";
      if (ends_with_port(local, port.host_port) && (port.udp || state == listening))
        sockets.insert("socket:[" + inode + "]");
    }
  }
  return sockets;
}

bool has_one_of(const std::string& process, const std::set<std::string>& sockets) {
  const auto folder = sys::try_open_at(AT_FDCWD, process + "/fd", O_RDONLY | O_DIRECTORY);
  if (!folder) return false;
  for (const auto& name : sys::list_dir(folder.get())) {
    std::array<char, 64> target{};
    const auto size = ::readlinkat(folder.get(), name.c_str(), target.data(), target.size());
    if (size > 0 && sockets.contains(std::string(target.data(), static_cast<std::size_t>(size))))
      return true;
  }
  return false;
}

}  // namespace

std::string to_text(const PublishedPort& port) {
  std::string text;
  if (port.host)
    text = port.host->v6 ? "[" + to_text(*port.host) + "]:" : to_text(*port.host) + ":";
  return text + std::to_string(port.host_port) + (port.udp ? "/udp" : "/tcp");
}

namespace {

sys::UniqueFd listen(const PublishedPort& port, const std::vector<int>& beside, bool together) {
  if (port.host) return bind_socket(port, port.host->v6, beside, together);
  try {
    return bind_socket(port, true, beside, together);
  } catch (const sys::Error& error) {
    if (error.err() != EAFNOSUPPORT && error.err() != EADDRNOTAVAIL) throw;
    return bind_socket(port, false, beside, together);  // a kernel without IPv6
  }
}

}  // namespace

sys::UniqueFd listen_on(const PublishedPort& port, const std::vector<int>& beside) {
  return listen(port, beside, false);
}

sys::UniqueFd listen_together(const PublishedPort& port) {
  return listen(port, {}, true);
}

std::vector<pid_t> holders_of(const PublishedPort& port) {
  std::vector<pid_t> holders;
  const auto sockets = sockets_on(port);
  if (sockets.empty()) return holders;
  const sys::UniqueFd processes = sys::open_dir("/proc");
  for (const auto& name : sys::list_dir(processes.get())) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || end != name.data() + name.size()) continue;
    try {
      if (has_one_of("/proc/" + name, sockets)) holders.push_back(pid);
    } catch (const sys::Error&) {
      // Somebody else's, or gone.
    }
  }
  return holders;
}

std::uint16_t next_free(PublishedPort port) {
  for (std::uint16_t i = 0; i < how_far && port.host_port < UINT16_MAX; ++i) {
    ++port.host_port;
    try {
      if (listen_on(port)) return port.host_port;
    } catch (const sys::Error&) {
      return 0;
    }
  }
  return 0;
}

}  // namespace pausa::net
