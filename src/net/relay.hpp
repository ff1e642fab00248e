// Bytes both ways between two connected sockets, as far as they go without waiting. Small exchanges
// are copied through one buffer that all share, which takes two system calls; what is bulk goes by
// splice(2), without a copy. Either side may close its half, and a reader that is slow slows its
// writer down. What streams for long, without a word from the other side, is taken in large pieces:
// nobody is told of less than a mebibyte (SO_RCVLOWAT, socket(7)), so somebody has to look for what
// is less. Private to the room.
#pragma once

#include "sys/fd.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace pausa::net {

// What relays of one loop use in turn; those that are idle have nothing of it.
class RelaySpace {
 public:
  struct Pipe {
    sys::UniqueFd in, out;
  };
  static constexpr std::size_t buffer_size = std::size_t{64} << 10U;

  char* buffer();
  std::optional<Pipe> take_pipe();
  void give_pipe(Pipe pipe);  // empty
  void clear();

 private:
  std::unique_ptr<char[]> buffer_;
  std::optional<Pipe> spare_;
};

class Relay {
 public:
  // One socket. What is known of it comes from an edge-triggered epoll(7).
  struct Side {
    sys::UniqueFd socket;
    bool readable = false;
    bool writable = false;
    // It may have said all, or something urgent: then a short answer is not yet the last.
    bool ending = false;
  };
  enum class State : std::uint8_t { waits, busy, ended };

  Side client, server;

  // Goes to the server before all that the client says.
  void begin_with(std::string text) { ways_[0].kept = std::move(text); }
  // Nothing more is to be read from this side.
  bool is_read(const Side& side) const { return ways_[&side == &client ? 0 : 1].done; }
  // busy: more would go, when others have had their turn.
  State move(RelaySpace& space);
  // Then look() is to come before move() about once in a millisecond.
  bool is_streaming() const { return ways_[0].streams || ways_[1].streams; }
  void look();

 private:
  struct Way {
    std::string kept;  // what the writer did not take
    std::optional<RelaySpace::Pipe> pipe;
    std::size_t held = 0;      // in the pipe
    std::size_t read = 0;      // in all
    std::size_t spliced = 0;   // since it waited last, or was looked at where it streams
    std::size_t streamed = 0;  // since the other side said something
    int full_reads = 0;        // one after the other
    bool streams = false;
    bool ended = false;  // the reading side said all
    bool done = false;   // and the writing side was told
  };
  enum class Step : std::uint8_t { on, waits, unread, unwritten };

  State move(Side& from, Side& to, Way& way, RelaySpace& space);
  static void give_up(Way& way);
  static Step flush(Side& to, Way& way);
  static Step copy(Side& from, Side& to, Way& way, RelaySpace& space);
  static Step splice(Side& from, Way& way, RelaySpace& space);
  static void set_streaming(Side& from, Way& way, bool streams);
  static bool end_stream(Side& from, Way& way);  // whether it was one

  std::array<Way, 2> ways_;
};

}  // namespace pausa::net
