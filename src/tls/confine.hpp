// What the relay gives up before it reads a byte from the server: other ids, capabilities, room to
// grow, and every system call but the few of its loop. No file can be opened after it.
#pragma once

namespace pausa::tls {

// False: the filter could not be loaded.
bool confine() noexcept;

}  // namespace pausa::tls
