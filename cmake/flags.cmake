# Flags of every target, as one interface library.
include_guard()
option(PAUSA_STATIC "link the programs statically" OFF)
option(PAUSA_WERROR "warnings are errors" OFF)
# -O3 makes these programs larger and their compilation slower, and nothing that bench measures faster.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(PAUSA_SANITIZE "" CACHE STRING "sanitizers, for example address,undefined")

add_library(pausa_flags INTERFACE)
target_compile_features(pausa_flags INTERFACE cxx_std_20)
target_compile_options(pausa_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-missing-field-initializers
  -fstack-protector-strong -fno-plt)
target_compile_definitions(pausa_flags INTERFACE _GNU_SOURCE BOOST_ASIO_DISABLE_THREADS
  BOOST_ASIO_NO_DEPRECATED)
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_definitions(pausa_flags INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(pausa_flags INTERFACE -ffunction-sections -fdata-sections)
  target_link_options(pausa_flags INTERFACE -Wl,--gc-sections)
  # g++ 12 warns of overlapping copies where std::string is inlined, and errs (GCC bug 105651).
  target_compile_options(pausa_flags INTERFACE -Wno-restrict)
endif()
if(PAUSA_WERROR)
  target_compile_options(pausa_flags INTERFACE -Werror)
endif()
if(PAUSA_SANITIZE)
  target_compile_options(pausa_flags INTERFACE -fsanitize=${PAUSA_SANITIZE}
    -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(pausa_flags INTERFACE -fsanitize=${PAUSA_SANITIZE})
endif()
