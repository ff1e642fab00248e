#include "supervisor/last_words.hpp"

#include "log/merge.hpp"
#include "pod/utf8.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace pausa::supervisor {
namespace {

constexpr const char* file_name = "/termination-message";
constexpr std::size_t most_message = 4096;
constexpr std::size_t most_log_bytes = 2048;
constexpr std::uint64_t most_log_lines = 80;

// The record is text, and so is what people are shown.
std::string as_text(std::string_view bytes) {
  constexpr char32_t replacement = 0xfffd;
  std::string text;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto point = pod::decode_utf8(bytes, at);
    if (point.valid && point.value != 0)
      text.append(bytes.substr(at, point.length));
    else
      pod::append_utf8(text, replacement);
    at += point.length;
  }
  return text;
}

}  // namespace

sys::UniqueFd make_message_file(const std::string& instance_dir) {
  sys::UniqueFd file = sys::open_at(AT_FDCWD, instance_dir + file_name,
                                    O_RDONLY | O_CREAT | O_NOFOLLOW | O_TRUNC, 0666);
  // Whatever our mask: the container's user need not be ours.
  sys::check(::fchmod(file.get(), 0666), "open the termination message file to the container");
  return file;
}

std::string read_message_file(const std::string& instance_dir) {
  const sys::UniqueFd file =
      sys::try_open_at(AT_FDCWD, instance_dir + file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) return {};
  std::array<char, most_message> buffer;
  std::size_t size = 0;
  for (;;) {
    const ssize_t got =
        ::pread(file.get(), buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  return as_text({buffer.data(), size});
}

std::string end_of_log(int log_dir) {
  log::ReadOptions options;
  options.tail = most_log_lines;
  log::MergedReader reader;
  (void)reader.add(log_dir, options);
  std::string text;
  log::Line line;
  std::size_t source = 0;
  while (reader.next(line, source))
    if (line.kind == log::Line::Kind::text) text += line.text + "\n";
  if (text.size() > most_log_bytes) text.erase(0, text.size() - most_log_bytes);
  return as_text(text);
}

}  // namespace pausa::supervisor
