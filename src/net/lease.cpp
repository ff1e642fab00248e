#include "net/lease.hpp"

#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace pausa::net {
namespace {

constexpr std::size_t lease_limit = 1024;
constexpr const char* last_given = ".last";

std::optional<LeaseOwner> read_owner(int folder, const std::string& name) {
  const auto text = sys::read_file_at(folder, name, lease_limit);
  if (!text) return std::nullopt;
  const auto blank = text->find(' ');
  const auto end = text->find('\n');
  if (blank == std::string::npos || end == std::string::npos || blank > end) return LeaseOwner{};
  return LeaseOwner{text->substr(0, blank), text->substr(blank + 1, end - blank - 1)};
}

void unlink_quietly(int folder, const std::string& name) {
  if (::unlinkat(folder, name.c_str(), 0) < 0 && errno != ENOENT)
    throw sys::Error(errno, "give up the address " + name);
}

}  // namespace

LeaseBook::LeaseBook(const std::string& folder, Pool pool)
    : pool_(pool), folder_(sys::make_dirs_at(AT_FDCWD, folder, 0700)) {}

std::optional<std::uint32_t> LeaseBook::take_free(const std::string& name) const {
  const auto hint = sys::read_file_at(folder_.get(), last_given, lease_limit);
  const auto given = hint ? parse_address(*hint) : std::nullopt;
  std::uint32_t number = given ? pool_.number_of(*given).value_or(0) : 0;
  for (std::uint32_t tried = pool_.first; tried <= pool_.last(); ++tried) {
    number = pool_.next(number);
    const std::string address = to_text(pool_.v4_of(number));
    if (::linkat(folder_.get(), name.c_str(), folder_.get(), address.c_str(), 0) == 0) {
      // Two who write it at the same time cost nothing but a look at a taken address.
      sys::replace_file_at(folder_.get(), last_given, address, 0600);
      return number;
    }
    if (errno != EEXIST) throw sys::Error(errno, "lease the address " + address);
  }
  return std::nullopt;
}

std::uint32_t LeaseBook::take(const LeaseOwner& owner,
                              const std::function<bool(const LeaseOwner&)>& lives) const {
  const std::string draft = "." + owner.uid;
  sys::create_file_at(folder_.get(), draft, owner.uid + " " + owner.words + "\n", 0600);
  std::optional<std::uint32_t> number;
  try {
    number = take_free(draft);
    if (!number) {
      drop_dead(lives);
      number = take_free(draft);
    }
  } catch (...) {
    (void)::unlinkat(folder_.get(), draft.c_str(), 0);
    throw;
  }
  unlink_quietly(folder_.get(), draft);
  if (number) return *number;
  sys::Error error("no address is left in " + to_text(pool_.v4));
  error.advise("remove pods (pausa down), or configure a larger range (PAUSA_SUBNET)");
  throw error;
}

namespace {

// Who takes a lease away has just read whose it is, and that must still hold. (link(2) alone guards
// the taking of one.)
class Alone {
 public:
  explicit Alone(int folder) : folder_(folder) { sys::lock_exclusively(folder, "lock the leases"); }
  ~Alone() { (void)::flock(folder_, LOCK_UN); }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

 private:
  int folder_;
};

}  // namespace

void LeaseBook::drop_dead(const std::function<bool(const LeaseOwner&)>& lives) const {
  const Alone alone(folder_.get());
  for (const auto& name : sys::list_dir(folder_.get())) {
    if (name.starts_with('.')) continue;
    const auto owner = read_owner(folder_.get(), name);
    if (owner && !lives(*owner)) unlink_quietly(folder_.get(), name);
  }
}

void LeaseBook::release(std::uint32_t number, const std::string& uid) const {
  const Alone alone(folder_.get());
  const std::string name = to_text(pool_.v4_of(number));
  const auto owner = read_owner(folder_.get(), name);
  if (owner && owner->uid == uid) unlink_quietly(folder_.get(), name);
}

void LeaseBook::release_all_of(const std::string& uid) const {
  const Alone alone(folder_.get());
  for (const auto& name : sys::list_dir(folder_.get())) {
    if (name == last_given) continue;
    const auto owner = read_owner(folder_.get(), name);
    if (owner && owner->uid == uid) unlink_quietly(folder_.get(), name);
  }
}

}  // namespace pausa::net
