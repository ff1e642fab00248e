#include "control/client.hpp"

#include "sys/error.hpp"
#include "sys/socket.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

namespace pausa::control {

std::optional<Call> Call::put(int run_dir, const Request& request) {
  sys::UniqueFd socket = sys::connect_at(run_dir, socket_name, SOCK_SEQPACKET);
  if (!socket) return std::nullopt;
  const std::string packet = encode(request);
  if (sys::send_packet(socket.get(), packet.data(), packet.size()) < 0) return std::nullopt;
  return Call(std::move(socket));
}

bool Call::ready(std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    constexpr std::int64_t longest = 1'000'000'000;  // an int for poll(2)
    pollfd answer{socket_.get(), POLLIN, 0};
    const int polled =
        ::poll(&answer, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, longest)));
    if (polled > 0) return true;
    if (polled == 0 && left.count() <= longest) return false;
    if (polled < 0 && errno != EINTR) sys::check(-1, "wait for the supervisor's answer");
  }
}

std::optional<Reply> Call::wait(std::chrono::milliseconds timeout) {
  if (!ready(timeout)) throw sys::Error(ETIMEDOUT, "wait for the supervisor's answer");
  std::vector<char> buffer(max_packet);
  int passenger = -1;
  const long size = sys::receive_packet(socket_.get(), buffer.data(), buffer.size(), passenger);
  const sys::UniqueFd unwanted(passenger);
  if (size <= 0) return std::nullopt;
  return decode_reply({buffer.data(), static_cast<std::size_t>(size)});
}

std::optional<Reply> call(int run_dir, const Request& request, std::chrono::milliseconds timeout) {
  auto pending = Call::put(run_dir, request);
  return pending ? pending->wait(timeout) : std::nullopt;
}

}  // namespace pausa::control
