#include "supervisor/starter.hpp"

#include "sys/socket.hpp"

#include <errno.h>

#include <algorithm>
#include <array>

namespace pausa::supervisor {
namespace {

constexpr std::size_t max_text = 32 * 1024;

}  // namespace

void Starter::explain(std::string_view text) {
  while (!text.empty()) {
    const auto part = text.substr(0, max_text);
    send('x', part);
    text.remove_prefix(part.size());
  }
}

void Starter::running() {
  send('r', "");
  socket_.reset();
}

void Starter::fail(std::string sentence) {
  if (waiting()) failure_ = std::move(sentence);
}

void Starter::settle() {
  if (!failure_.empty()) send('f', std::string_view(failure_).substr(0, max_text));
  socket_.reset();
}

void Starter::send(char kind, std::string_view text) {
  if (!socket_) return;
  std::string packet(1, kind);
  packet += text;
  (void)sys::send_packet(socket_.get(), packet.data(), packet.size());  // nobody need listen
}

StarterReply receive_starter(int socket) {
  std::array<char, max_text + 1> packet;
  int passenger = -1;
  long size;
  do {
    size = sys::receive_packet(socket, packet.data(), packet.size(), passenger);
  } while (size < 0 && errno == EINTR);
  const sys::UniqueFd unwanted(passenger);
  StarterReply reply;
  if (size < 1) return reply;
  reply.text.assign(packet.data() + 1, static_cast<std::size_t>(size) - 1);
  reply.kind = packet[0] == 'x'   ? StarterReply::Kind::explain
               : packet[0] == 'r' ? StarterReply::Kind::running
                                  : StarterReply::Kind::failed;
  return reply;
}

}  // namespace pausa::supervisor
