// Work in the network that has the pods' bridges: for root our own, else that of the user's pods,
// which only a child may enter.
#pragma once

#include "supervisor/helper_child.hpp"
#include "supervisor/user_namespace.hpp"
#include "supervisor/user_network.hpp"

#include <sched.h>

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
  auto [ours, theirs] = sys::socket_pair(SOCK_SEQPACKET);
  const pid_t pid = sys::check(::fork(), "start a process for the network");
  if (pid == 0) {
    ours.reset();
    report_and_end(theirs, [&] {
      enter_user_namespace_of(user->network.get());
      sys::check(::setns(user->network.get(), CLONE_NEWNET),
                 "enter the network of the user's pods");
      return work();
    });
  }
  const Child reaped(pid);
  theirs.reset();
  return hear_report(ours, what);
}

}  // namespace pausa::supervisor
