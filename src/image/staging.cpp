#include "image/staging.hpp"

#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

namespace pausa::image {
namespace {

constexpr std::string_view prefix = ".staging-";

}  // namespace

std::string staging_name() {
  static unsigned serial = 0;
  const sys::ProcessId self = sys::self_id();
  return std::string(prefix) + std::to_string(self.pid) + "-" + std::to_string(self.start_time) +
         "-" + std::to_string(++serial);
}

bool is_staging(std::string_view name) {
  return name.starts_with(prefix);
}

bool is_abandoned_staging(std::string_view name) {
  if (!is_staging(name)) return false;
  sys::ProcessId owner;
  const char* const end = name.data() + name.size();
  const auto [dash, bad_pid] = std::from_chars(name.data() + prefix.size(), end, owner.pid);
  if (bad_pid != std::errc() || dash == end || *dash != '-') return true;
  const auto [rest, bad_time] = std::from_chars(dash + 1, end, owner.start_time);
  return bad_time != std::errc() || !sys::alive(owner);
}

void sweep_abandoned(int dir) noexcept {
  try {
    for (const std::string& name : sys::list_dir(dir))
      if (is_abandoned_staging(name)) sys::remove_tree_at(dir, name);
  } catch (const std::exception&) {
    // Somebody else sweeps it too, or it stays for Store::remove_all.
  }
}

Staging::Staging(const std::string& parent)
    : parent_(sys::open_dir(parent)), name_(staging_name()), path_(parent + "/" + name_) {
  sys::check(::mkdirat(parent_.get(), name_.c_str(), 0755), "make ", path_);
  sys::check(::fchmodat(parent_.get(), name_.c_str(), 0755, 0), "chmod ", path_);
}

Staging::~Staging() {
  try {
    if (!name_.empty()) sys::remove_tree_at(parent_.get(), name_);
  } catch (const sys::Error&) {
    // The next one sweeps it.
  }
}

void Staging::become(const std::string& name) {
  if (::renameat(parent_.get(), name_.c_str(), parent_.get(), name.c_str()) == 0)
    name_.clear();
  else if (errno != EEXIST && errno != ENOTEMPTY)
    sys::check(-1, "name ", name);
}

void write_durably(const std::string& dir, const std::string& name, std::string_view text) {
  const auto folder = sys::open_dir(dir);
  const std::string staged = staging_name();
  sys::create_file_at(folder.get(), staged, text, 0600);
  const auto file = sys::open_at(folder.get(), staged, O_RDONLY);
  sys::check(::fsync(file.get()), "write ", dir, "/", name, " to the disk");
  sys::check(::renameat(folder.get(), staged.c_str(), folder.get(), name.c_str()), "replace ", dir,
             "/", name);
  sys::check(::fsync(folder.get()), "write ", dir, " to the disk");
}

}  // namespace pausa::image
