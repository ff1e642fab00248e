#include "manifest/sources.hpp"

#include "manifest/parse.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <system_error>

namespace pausa::manifest {

namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(std::FILE* file) const { (void)std::fclose(file); }  // read only: nothing to lose
};
using File = std::unique_ptr<std::FILE, Close>;

std::string reason(int err) {
  return std::generic_category().message(err);
}

// One byte more than the reader allows, so that it can tell; the rest is not fetched.
std::optional<std::string> read_all(std::FILE* file) {
  const std::size_t most = Limits().bytes + 1;
  std::string text;
  // By small pieces: a manifest is small, and what is allocated here stays with the supervisor.
  std::array<char, 16384> piece;
  while (text.size() < most) {
    const std::size_t got =
        std::fread(piece.data(), 1, std::min(piece.size(), most - text.size()), file);
    if (got == 0) break;
    text.append(piece.data(), got);
  }
  if (std::ferror(file)) return std::nullopt;
  return text;
}

// Pipes that a shell made for us: their other end is open already.
bool is_shell_pipe(const std::string& path) {
  return path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

std::string_view type_word(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    case S_IFDIR:
      return "a folder";
    default:
      return "something else";
  }
}

class Loader {
 public:
  LoadedSources take() { return std::move(out_); }

  void add(const std::string& path) {
    std::error_code error;
    if (path == "-") {
      keep("-", read_all(stdin), fs::current_path(error));
    } else if (fs::is_directory(path, error)) {
      add_folder(path);
    } else {
      add_file(path);
    }
  }

 private:
  void fault(const std::string& name, std::string text, std::string hint = {}) {
    pod::Diagnostic diagnostic;
    diagnostic.kind = pod::ErrorKind::syntax;
    diagnostic.file = name;
    diagnostic.text = std::move(text);
    diagnostic.hint = std::move(hint);
    out_.diagnostics.push_back(std::move(diagnostic));
  }

  void keep(const std::string& name, std::optional<std::string> text, fs::path folder) {
    if (!text) {
      fault(name, "cannot be read: " + reason(errno));
    } else {
      out_.sources.push_back({name, std::move(*text), std::move(folder)});
    }
  }

  void add_folder(const std::string& path) {
    std::error_code error;
    std::vector<std::string> names;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      const fs::path file = at->path().filename();
      const std::string extension = file.extension();
      const bool hidden = file.native().starts_with('.');
      if (!hidden && (extension == ".yaml" || extension == ".yml" || extension == ".json")) {
        names.push_back(at->path());
      }
    }
    if (error) {
      fault(path, "the folder cannot be read: " + error.message());
    } else if (names.empty()) {
      fault(path, "no manifest in this folder (*.yaml, *.yml, *.json)");
    }
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) add_file(name);
  }

  void add_file(const std::string& path) {
    // O_NONBLOCK: opening a FIFO for reading otherwise waits for a writer (fifo(7)).
    const bool shell_pipe = is_shell_pipe(path);
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (shell_pipe ? 0 : O_NONBLOCK);
    const int fd = ::open(path.c_str(), flags);
    if (fd < 0) {
      fault(path, "cannot be opened: " + reason(errno));
      return;
    }
    const File file(::fdopen(fd, "r"));
    struct stat status {};
    if (!file || ::fstat(fd, &status) != 0) {
      fault(path, "cannot be opened: " + reason(errno));
      return;
    }
    if (!S_ISREG(status.st_mode) && !(shell_pipe && S_ISFIFO(status.st_mode))) {
      fault(path, "is " + std::string(type_word(status.st_mode)) + ", not a regular file");
      return;
    }
    std::error_code error;
    keep(path, read_all(file.get()), fs::absolute(path, error).parent_path().lexically_normal());
  }

  LoadedSources out_;
};

}  // namespace

LoadedSources load_sources(const std::vector<std::string>& paths) {
  Loader loader;
  for (const std::string& path : paths) loader.add(path);
  return loader.take();
}

}  // namespace pausa::manifest
