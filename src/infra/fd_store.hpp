// The fd store: descriptors that infra keeps for whoever supervises the pod, by a 64-bit key. Part
// of the freestanding binary.
#pragma once

#include "infra/bare.hpp"
#include "infra/protocol.hpp"

namespace pausa::infra {

// Owns what was put into it. Descriptor 0 is never stored (infra's event queue has that number), so
// 0 marks a free entry, and a store of zeros is empty.
class FdStore {
 public:
  // Takes fd over, unless it answers that the store is full.
  Status put(uint64_t key, int fd) noexcept {
    if (Entry* known = find(key)) {
      bare::close_fd(known->fd);
      known->fd = fd;
      return Status::ok;
    }
    uint32_t index = 0;
    while (index < used_ && entries_[index].fd != 0) ++index;
    if (index == max_stored_fds) return Status::full;
    if (index == used_) ++used_;
    entries_[index] = {key, fd};
    return Status::ok;
  }

  // Lends it; 0 when there is none.
  int get(uint64_t key) noexcept {
    const Entry* entry = find(key);
    return entry != nullptr ? entry->fd : 0;
  }

  bool drop(uint64_t key) noexcept {
    Entry* entry = find(key);
    if (entry == nullptr) return false;
    bare::close_fd(entry->fd);
    entry->fd = 0;
    return true;
  }

  uint32_t list(uint64_t (&keys)[max_stored_fds]) const noexcept {
    uint32_t count = 0;
    for (uint32_t i = 0; i < used_; ++i)
      if (entries_[i].fd != 0) keys[count++] = entries_[i].key;
    return count;
  }

 private:
  struct Entry {
    uint64_t key;
    int fd;
  };

  Entry* find(uint64_t key) noexcept {
    for (uint32_t i = 0; i < used_; ++i)
      if (entries_[i].fd != 0 && entries_[i].key == key) return &entries_[i];
    return nullptr;
  }

  uint32_t used_;  // entries at and after this index have never been used
  Entry entries_[max_stored_fds];
};

}  // namespace pausa::infra
