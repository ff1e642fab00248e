// What errors say.
#pragma once

#include "sys/error.hpp"

#include <string>

namespace pausa::test {

// Of the sys::Error that a call throws; empty: it throws none.
inline std::string message_of(auto&& call) {
  try {
    call();
  } catch (const sys::Error& error) {
    return error.what();
  }
  return "";
}

inline bool mentions(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

}  // namespace pausa::test
