// What is made beside its place and gets its name when it is complete. A staged entry carries its
// maker's pid and start time, so that anybody can tell a half-made one from one under way.
// For this room only.
#pragma once

#include "sys/fd.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace pausa::image {

// ".staging-PID-START-N", another one at each call.
std::string staging_name();
bool is_staging(std::string_view name);
// Staged by a process that is gone, or by nobody who can be told.
bool is_abandoned_staging(std::string_view name);
// Removes the abandoned ones of a directory, as far as possible.
void sweep_abandoned(int dir) noexcept;

// A folder in `parent` that goes away with its object.
class Staging {
 public:
  explicit Staging(const std::string& parent);
  ~Staging();
  Staging(Staging&& other) noexcept
      : parent_(std::move(other.parent_)),
        name_(std::exchange(other.name_, "")),
        path_(std::move(other.path_)) {}
  Staging& operator=(Staging&&) = delete;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::string& path() const { return path_; }
  // Gets its name. Somebody else may have been first, with the same contents.
  void become(const std::string& name);

 private:
  sys::UniqueFd parent_;
  std::string name_;
  std::string path_;
};

// Replaces DIR/NAME so that a power cut leaves the old text or the new one.
void write_durably(const std::string& dir, const std::string& name, std::string_view text);

}  // namespace pausa::image
