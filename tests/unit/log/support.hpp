// Directories, pipes and children for the tests of the log.
#pragma once

#include "log/layout.hpp"
#include "log/reader.hpp"
#include "log/writer.hpp"
#include "sys/fd.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace pausa::log::test {

// A tmpfs and whatever holds /tmp: mostly a disk.
inline std::vector<const char*> places() {
  std::vector<const char*> found{"/tmp"};
  if (::access("/dev/shm", W_OK) == 0) found.push_back("/dev/shm");
  return found;
}

class Dir {
 public:
  explicit Dir(const char* place = "/tmp") {
    std::string name = std::string(place) + "/pausa-log-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
    fd_.reset(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(fd_);
  }
  Dir(const Dir&) = delete;
  Dir& operator=(const Dir&) = delete;
  ~Dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  int fd() const { return fd_.get(); }
  std::string path(const std::string& name) const { return path_ / name; }
  int entries() const {
    return static_cast<int>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
  sys::UniqueFd fd_;
};

class Pipe {
 public:
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    (void)::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  }
  int out() const { return out_.get(); }
  int in() const { return in_.get(); }
  void put(const std::string& text) const {
    REQUIRE(::write(in_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void close() { in_.reset(); }
  void close_out() { out_.reset(); }

 private:
  sys::UniqueFd out_, in_;
};

// A forked process that runs `work`; killed and reaped with its owner.
class Child {
 public:
  explicit Child(const std::function<void()>& work) : pid_(::fork()) {
    REQUIRE(pid_ >= 0);
    if (pid_ > 0) return;
    try {
      work();
      ::_exit(0);
    } catch (...) {
      ::_exit(99);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    (void)wait();
  }
  void kill() const {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }

 private:
  pid_t pid_;
};

inline std::string file_bytes(const Dir& dir, const std::string& name) {
  std::ifstream in(dir.path(name), std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

// All segments of a stream, joined.
inline std::string stored(const Dir& dir, Stream stream) {
  std::string all;
  for (const auto segment : list_segments(dir.fd(), stream))
    all += file_bytes(dir, segment_name(stream, segment));
  return all;
}

inline std::vector<Record> records(const Dir& dir, Stream stream, std::uint64_t segment) {
  const std::string bytes = file_bytes(dir, index_name(stream, segment));
  CHECK(bytes.size() % sizeof(Record) == 0);
  std::vector<Record> found(bytes.size() / sizeof(Record));
  std::memcpy(found.data(), bytes.data(), found.size() * sizeof(Record));
  return found;
}

inline void write_bytes(const std::string& path, const void* bytes, std::size_t size, int flags) {
  const sys::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600));
  REQUIRE(::write(fd.get(), bytes, size) == static_cast<ssize_t>(size));
}

// A segment and its index as a writer would have left them, in place of what is there.
inline void write_segment(const Dir& dir, Stream stream, std::uint64_t number,
                          const std::string& bytes, const std::vector<Record>& index) {
  write_bytes(dir.path(segment_name(stream, number)), bytes.data(), bytes.size(), 0);
  write_bytes(dir.path(index_name(stream, number)), index.data(), index.size() * sizeof(Record), 0);
}

// More bytes, no entry for them.
inline void append(const Dir& dir, Stream stream, std::uint64_t number, const std::string& bytes) {
  write_bytes(dir.path(segment_name(stream, number)), bytes.data(), bytes.size(), O_APPEND);
}

inline std::vector<Line> rest(StreamReader& reader) {
  std::vector<Line> lines;
  for (Line line; reader.next(line);) lines.push_back(line);
  return lines;
}

inline std::vector<Line> read_all(const Dir& dir, Stream stream) {
  StreamReader reader(dir.fd(), stream);
  return rest(reader);
}

inline std::vector<std::string> texts(const std::vector<Line>& lines) {
  std::vector<std::string> found;
  for (const Line& line : lines) found.push_back(line.text);
  return found;
}

// A value that a forked child shares with us.
template <typename T>
class Shared {
 public:
  Shared()
      : at_(::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(at_ != MAP_FAILED);
    new (at_) T();
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(at_, sizeof(T)); }

  T& operator*() const { return *static_cast<T*>(at_); }
  T* operator->() const { return static_cast<T*>(at_); }

 private:
  void* at_;
};

struct Load {
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> written = 0;  // bytes
};

// The numbers 0, 1, 2 … as 8 bytes each, in writes of changing sizes, until told to stop.
inline void write_numbers(int fd, Load& load) {
  std::vector<std::uint64_t> numbers;
  std::uint64_t next = 0;
  for (std::size_t turn = 1; !load.stop; ++turn) {
    numbers.resize(1 + turn * 37 % 300);
    for (auto& number : numbers) number = next++;
    const char* bytes = reinterpret_cast<const char*>(numbers.data());
    for (std::size_t at = 0; at < numbers.size() * 8;) {
      const ssize_t put = ::write(fd, bytes + at, numbers.size() * 8 - at);
      if (put <= 0) ::_exit(98);
      at += static_cast<std::size_t>(put);
      load.written += static_cast<std::size_t>(put);
    }
  }
}

// The first of them that is not as written, or -1.
inline std::int64_t first_wrong_number(const std::string& bytes, std::size_t total) {
  for (std::size_t i = 0; i * 8 < bytes.size(); ++i) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data() + i * 8, std::min<std::size_t>(8, bytes.size() - i * 8));
    if (number != i) return static_cast<std::int64_t>(i);
  }
  return bytes.size() == total ? -1 : static_cast<std::int64_t>(bytes.size() / 8);
}

}  // namespace pausa::log::test
