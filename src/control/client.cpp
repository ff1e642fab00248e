#include "control/client.hpp"

#include "sys/error.hpp"
#include "sys/socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <vector>

namespace pausa::control {

std::optional<Reply> call(int run_dir, const Request& request, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  const sys::UniqueFd socket = sys::connect_at(run_dir, socket_name, SOCK_SEQPACKET);
  if (!socket) return std::nullopt;
  const std::string packet = encode(request);
  if (sys::send_packet(socket.get(), packet.data(), packet.size()) < 0) return std::nullopt;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd ready{socket.get(), POLLIN, 0};
    const int polled = ::poll(&ready, 1, left.count() < 0 ? 0 : static_cast<int>(left.count()));
    if (polled < 0 && errno == EINTR) continue;
    if (polled == 0) throw sys::Error(ETIMEDOUT, "wait for the supervisor's answer");
    std::vector<char> buffer(max_packet);
    int passenger = -1;
    const long size = sys::receive_packet(socket.get(), buffer.data(), buffer.size(), passenger);
    const sys::UniqueFd unwanted(passenger);
    if (size <= 0) return std::nullopt;
    return decode_reply({buffer.data(), static_cast<std::size_t>(size)});
  }
}

}  // namespace pausa::control
