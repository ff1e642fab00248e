// Who has which address: one small file per address, named by it, that says whose it is. A lease
// begins with link(2), which fails when the address is taken, so that whatever is killed when, no
// address is ever given to two. People can read all of it.
#pragma once

#include "net/address.hpp"
#include "sys/fd.hpp"

#include <functional>
#include <string>

namespace pausa::net {

struct LeaseOwner {
  std::string uid;    // the pod's
  std::string words;  // for people, and for those who look whether it is still there
};

class LeaseBook {
 public:
  // The folder is made when it is not there.
  LeaseBook(const std::string& folder, Pool pool);

  // The number of a free address: the next after the one that was given last, so that an address
  // rests before it is given again. Before it gives up it drops the leases of owners for which
  // `lives` is false. Throws sys::Error when all are taken.
  std::uint32_t take(const LeaseOwner& owner,
                     const std::function<bool(const LeaseOwner&)>& lives) const;
  // What it has of this pod goes; nothing there is fine.
  void release(std::uint32_t number, const std::string& uid) const;
  void release_all_of(const std::string& uid) const;

 private:
  std::optional<std::uint32_t> take_free(const std::string& name) const;
  void drop_dead(const std::function<bool(const LeaseOwner&)>& lives) const;

  Pool pool_;
  sys::UniqueFd folder_;
};

}  // namespace pausa::net
