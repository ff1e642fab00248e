// Digests as images write them: "sha256:" and 64 lower-case hexadecimal digits (or sha512, 128).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace pausa::unpack {

class Digester {
 public:
  // expected: a digest whose algorithm is used, or "sha256". Throws sys::Error when it is
  // malformed.
  explicit Digester(std::string expected);
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  void add(const void* data, std::size_t size);
  // Once, at the end, one of the two.
  std::string result();
  // Throws sys::Error where the bytes have another digest.
  void require(std::string_view what);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string expected_;
};

}  // namespace pausa::unpack
