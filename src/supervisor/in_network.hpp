// Work in the network that has the pods' bridges: for root our own, else that of the user's pods,
// which only a child may enter.
#pragma once

#include "supervisor/user_network.hpp"

#include <unistd.h>

#include <string>
#include <type_traits>

namespace pausa::supervisor {

// `user`: where the caller has it; else it is looked for, and where no pod of the user lives there
// is nothing to do. Gives the text that the work may return, throws what it throws.
template <typename Work>
std::string in_network(const state::Store& store, const UserNetwork* user, const char* what,
                       Work work) {
  if (::geteuid() == 0) {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      work();
      return {};
    } else {
      return work();
    }
  }
  UserNetwork found;
  if (user == nullptr || !*user) {
    found = find_user_network(store);
    user = &found;
  }
  if (!*user) return {};
  return work_in(user->network.get(), what, [&work] {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      work();
      return std::string();
    } else {
      return std::string(work());
    }
  });
}

}  // namespace pausa::supervisor
