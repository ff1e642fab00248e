#include "log/layout.hpp"

#include "sys/error.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

namespace pausa::log {
namespace {

constexpr int open_dir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> list_names(int dir) {
  // Opened anew: readdir would move the position that all copies of the caller's fd share.
  sys::UniqueFd own(sys::check(::openat(dir, ".", open_dir), "open log directory"));
  const std::unique_ptr<DIR, decltype([](DIR* d) { ::closedir(d); })> entries(
      ::fdopendir(own.get()));
  if (!entries) throw sys::Error(errno, "read log directory");
  (void)own.release();  // fdopendir took it
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(entries.get())) names.emplace_back(entry->d_name);
  return names;
}

std::optional<std::uint64_t> parse_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, err] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (err != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_segment(std::string_view name, Stream stream,
                                           std::string_view suffix) {
  const std::string_view prefix = stream_name(stream);
  if (name.size() <= prefix.size() + 1 + suffix.size() || !name.starts_with(prefix) ||
      name[prefix.size()] != '.' || !name.ends_with(suffix))
    return std::nullopt;
  name.remove_prefix(prefix.size() + 1);
  name.remove_suffix(suffix.size());
  return parse_number(name);
}

std::string numbered(Stream stream, std::uint64_t number, const char* suffix) {
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%s.%08llu%s", stream_name(stream).data(),
                                 static_cast<unsigned long long>(number), suffix);
  return {text, static_cast<std::size_t>(size)};
}

// An instance holds only files that the writer made.
void remove_instance(int container, std::uint64_t restarts) {
  const std::string name = std::to_string(restarts);
  const sys::UniqueFd dir(::openat(container, name.c_str(), open_dir));
  if (!dir) return;
  for (const std::string& file : list_names(dir.get()))
    (void)::unlinkat(dir.get(), file.c_str(), 0);
  (void)::unlinkat(container, name.c_str(), AT_REMOVEDIR);
}

std::vector<std::uint64_t> instances_in(int container) {
  std::vector<std::uint64_t> found;
  for (const std::string& name : list_names(container))
    if (const auto number = parse_number(name)) found.push_back(*number);
  std::sort(found.begin(), found.end());
  return found;
}

sys::UniqueFd make_and_open(int at, const std::string& name) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    throw sys::Error("log directory: \"" + name + "\" is not a name");
  if (::mkdirat(at, name.c_str(), 0700) < 0 && errno != EEXIST)
    throw sys::Error(errno, "make log directory " + name);
  return sys::UniqueFd(
      sys::check(::openat(at, name.c_str(), open_dir), "open log directory ", name));
}

}  // namespace

std::string_view stream_name(Stream stream) noexcept {
  return stream == Stream::out ? "stdout" : "stderr";
}

std::string segment_name(Stream stream, std::uint64_t number) {
  return numbered(stream, number, ".log");
}

std::string index_name(Stream stream, std::uint64_t number) {
  return numbered(stream, number, ".idx");
}

std::vector<std::uint64_t> list_segments(int dir, Stream stream) {
  std::vector<std::uint64_t> found;
  for (const std::string& name : list_names(dir))
    if (const auto number = parse_segment(name, stream, ".log")) found.push_back(*number);
  std::sort(found.begin(), found.end());
  return found;
}

void remove_segments_below(int dir, Stream stream, std::uint64_t first) {
  for (const std::string& name : list_names(dir)) {
    auto number = parse_segment(name, stream, ".log");
    if (!number) number = parse_segment(name, stream, ".idx");
    if (number && *number < first) (void)::unlinkat(dir, name.c_str(), 0);
  }
}

sys::UniqueFd create_instance(int logs, const std::string& container, std::uint64_t restarts) {
  const sys::UniqueFd parent = make_and_open(logs, container);
  sys::UniqueFd instance = make_and_open(parent.get(), std::to_string(restarts));
  std::vector<std::uint64_t> others = instances_in(parent.get());
  std::erase(others, restarts);
  const auto later = std::lower_bound(others.begin(), others.end(), restarts);
  const bool has_previous = later != others.begin();
  for (auto it = others.begin(); it != others.end(); ++it)
    if (!(has_previous && it == later - 1)) remove_instance(parent.get(), *it);
  return instance;
}

std::vector<std::uint64_t> list_instances(int logs, const std::string& container) {
  const sys::UniqueFd parent(::openat(logs, container.c_str(), open_dir));
  if (!parent && errno == ENOENT) return {};
  sys::check(parent.get(), "open log directory ", container);
  return instances_in(parent.get());
}

sys::UniqueFd open_container(int logs, const std::string& container) {
  return sys::UniqueFd(
      sys::check(::openat(logs, container.c_str(), open_dir), "open log directory ", container));
}

sys::UniqueFd open_instance(int logs, const std::string& container, std::uint64_t restarts) {
  const std::string path = container + "/" + std::to_string(restarts);
  return sys::UniqueFd(
      sys::check(::openat(logs, path.c_str(), open_dir), "open log directory ", path));
}

}  // namespace pausa::log
