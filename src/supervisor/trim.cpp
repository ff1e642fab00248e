#include "supervisor/trim.hpp"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

// glibc's own, to be called at the end of a thread: gives back what malloc keeps per thread for the
// next small allocation, which malloc_trim(3) leaves alone. Absent (null) where libc is shared.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" void __malloc_arena_thread_freeres() __attribute__((weak));

namespace pausa::supervisor {
namespace {

// Code and constants: segments that nobody writes to, so dropping a page loses nothing
// (madvise(2), MADV_DONTNEED on a private file mapping).
int forget_constant_segments(dl_phdr_info* info, std::size_t /*size*/, void* page_size) {
  const auto page = *static_cast<const std::uintptr_t*>(page_size);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (info->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end =
        (info->dlpi_addr + segment.p_vaddr + segment.p_memsz + page - 1) & ~(page - 1);
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

// What deeper calls have left below the present one. The page below this frame's stays: madvise
// itself may stand on it. Below the end of the stack there is nothing (ENOMEM), which is fine.
void forget_unused_stack(std::uintptr_t page) {
  constexpr std::uintptr_t reach = std::uintptr_t{512} << 10;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t end = (here & ~(page - 1)) - page;
  (void)::madvise(reinterpret_cast<void*>(end - reach), reach, MADV_DONTNEED);
}

}  // namespace

void trim_memory() noexcept {
  if (&__malloc_arena_thread_freeres != nullptr) __malloc_arena_thread_freeres();
  (void)::malloc_trim(0);
  auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  forget_unused_stack(page);
  (void)::dl_iterate_phdr(forget_constant_segments, &page);
}

}  // namespace pausa::supervisor
