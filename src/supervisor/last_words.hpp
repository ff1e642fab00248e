// Why a container ended, in its own words: the termination message file, or the end of its log.
#pragma once

#include "sys/fd.hpp"

#include <string>

namespace pausa::supervisor {

// The file of one instance, in its folder, for the container to write into: empty, for anybody.
sys::UniqueFd make_message_file(const std::string& instance_dir);

// At most 4096 bytes of it; empty when nothing was written. Bytes that are no text are replaced.
std::string read_message_file(const std::string& instance_dir);

// The last 80 lines of both streams, at most 2048 bytes. log_dir: of the instance.
std::string end_of_log(int log_dir);

}  // namespace pausa::supervisor
