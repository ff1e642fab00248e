// A supervisor waits nearly all its life. What only the start needed is given back to the system.
#pragma once

namespace pausa::supervisor {

// Frees unused heap, what malloc keeps for the next allocation and the unused part of the stack,
// and forgets the pages of the program that are mapped from its file; those that are needed again
// come back from the page cache. Never fails.
void trim_memory() noexcept;

}  // namespace pausa::supervisor
