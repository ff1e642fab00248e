#include "unpack/digest.hpp"

#include "sys/error.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

namespace pausa::unpack {
namespace {

const EVP_MD* algorithm_of(std::string_view digest) {
  const auto is_hex = [](std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  };
  constexpr std::size_t prefix = 7;
  if (digest == "sha256") return EVP_sha256();
  if (digest.starts_with("sha256:") && digest.size() == prefix + 64 &&
      is_hex(digest.substr(prefix)))
    return EVP_sha256();
  if (digest.starts_with("sha512:") && digest.size() == prefix + 128 &&
      is_hex(digest.substr(prefix)))
    return EVP_sha512();
  throw sys::Error("malformed digest \"" + std::string(digest.substr(0, 200)) + "\"");
}

}  // namespace

struct Digester::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&::EVP_MD_CTX_free)> context{::EVP_MD_CTX_new(),
                                                                    &::EVP_MD_CTX_free};
};

Digester::Digester(std::string expected)
    : state_(std::make_unique<State>()), expected_(std::move(expected)) {
  if (::EVP_DigestInit_ex(state_->context.get(), algorithm_of(expected_), nullptr) != 1)
    throw sys::Error("cannot compute " + expected_.substr(0, 6));
}

Digester::~Digester() = default;

void Digester::add(const void* data, std::size_t size) {
  (void)::EVP_DigestUpdate(state_->context.get(), data, size);
}

std::string Digester::result() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  (void)::EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string found = expected_.substr(0, expected_.find(':')) + ":";
  for (unsigned i = 0; i < size; ++i) {
    found += digits[bytes[i] >> 4U];
    found += digits[bytes[i] & 15U];
  }
  return found;
}

void Digester::require(std::string_view what) {
  const std::string found = result();
  if (found != expected_)
    throw sys::Error(std::string(what) + " has the digest " + found + ", not " + expected_);
}

}  // namespace pausa::unpack
