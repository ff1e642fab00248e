#include "rootfs/layout.hpp"
#include "support/temp_tree.hpp"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

using namespace pausa;

namespace {

// Layer N has the file N, and hides that of layer N - 1 when it can be divided by three.
struct Layers {
  test::TempTree tree;
  rootfs::Request request;

  explicit Layers(int count, const std::string& folder = "a:b,c\\d", const char* below = "/tmp")
      : tree(below) {
    for (int i = count - 1; i >= 0; --i) {
      const std::string name = folder + "/sha256-" + std::string(61, 'f') + std::to_string(i + 100);
      tree.file(name + "/file" + std::to_string(i), std::to_string(i));
      if (i > 0 && i % 3 == 0)
        sys::check(
            ::mknodat(tree.fd(), (name + "/file" + std::to_string(i - 1)).c_str(), S_IFCHR, 0),
            "make a whiteout");
      request.lower.push_back(tree.path() + "/" + name);
    }
    tree.dir("upper");
    tree.dir("work");
    request.upper = tree.path() + "/upper";
    request.work = tree.path() + "/work";
  }
};

// Counts the files that are seen, in a process of its own; -1 with a word where it fails.
int seen(const Layers& layers, long* microseconds = nullptr) {
  const rootfs::Layout layout(layers.request);
  const rootfs::MountStep* step = nullptr;
  for (const auto& one : layout.prepare())
    if (one.op == rootfs::MountOp::overlay) step = &one;
  REQUIRE(step != nullptr);
  const sys::UniqueFd answers = sys::open_at(layers.tree.fd(), "answer", O_RDWR | O_CREAT, 0600);
  const pid_t child = ::fork();
  if (child == 0) {
    long answer[2] = {-1, 0};
    int slot = -1;
    if (::unshare(CLONE_NEWNS) == 0 &&
        ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0) {
      const auto begin = std::chrono::steady_clock::now();
      const int rc = rootfs::execute(*step, &slot);
      answer[1] = std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::steady_clock::now() - begin)
                      .count();
      if (rc == 0) {
        answer[0] = 0;
        for (const auto& name :
             sys::list_dir(sys::open_at(slot, ".", O_RDONLY | O_DIRECTORY).get()))
          if (name.starts_with("file") && sys::read_file_at(slot, name, 10) == name.substr(4))
            ++answer[0];
      } else {
        ::perror("overlay");
      }
    }
    (void)!::write(answers.get(), answer, sizeof answer);
    ::_exit(0);
  }
  int status = 0;
  sys::check(::waitpid(child, &status, 0), "wait for the child");
  long answer[2] = {-1, 0};
  (void)!::pread(answers.get(), answer, sizeof answer, 0);
  if (microseconds != nullptr) *microseconds = answer[1];
  return static_cast<int>(answer[0]);
}

int expected(int count) {
  return count - (count - 1) / 3;
}

}  // namespace

TEST_SUITE("rootfs/overlay") {
  TEST_CASE("from one layer to 128 all are stacked, and whiteouts hide what is right below") {
    if (::geteuid() != 0) {
      MESSAGE("skipped: needs root");
      return;
    }
    for (const int count : {1, 2, 3, 13, 14, 20, 64, 127, 128}) {
      const Layers layers(count);
      CHECK_MESSAGE(seen(layers) == expected(count), count);
    }
  }

  TEST_CASE("paths longer than any text of fsconfig(2) are no matter") {
    if (::geteuid() != 0) return;
    CHECK(seen(Layers(2, std::string(200, 'l') + "/" + std::string(200, 'm'))) == 2);
  }

  TEST_CASE("twenty layers are stacked in less than a millisecond") {
    if (::geteuid() != 0) return;
    // In memory: on a disk the file system's own work for an upper directory takes most of it.
    Layers layers(20, "layers", "/dev/shm");
    long best = 1'000'000;
    for (int i = 0; i < 10; ++i) {
      long took = 0;
      // A volatile overlay leaves a mark in the work directory, and no other is mounted upon it.
      layers.request.work = layers.tree.path() + "/work" + std::to_string(i);
      layers.tree.dir("work" + std::to_string(i));
      REQUIRE(seen(layers, &took) == expected(20));
      best = std::min(best, took);
    }
    MESSAGE("20 layers: " << best << " us");
    // An emulated machine is some twenty times slower.
    CHECK(best < (std::getenv("PAUSA_TEST_SLOW") != nullptr ? 100'000 : 1000));
  }
}
