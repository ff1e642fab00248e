#include "manifest/sources.hpp"

#include "manifest/load.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace pausa;
using manifest::load_sources;
using manifest::LoadedSources;

namespace {

class Folder {
 public:
  Folder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(*this / name) << text;
    return *this / name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/pausa-test-XXXXXX";
};

std::string only_fault(const std::string& path) {
  const LoadedSources loaded = load_sources({path});
  REQUIRE(loaded.sources.empty());
  REQUIRE(loaded.diagnostics.size() == 1);
  CHECK(loaded.diagnostics[0].file == path);
  return loaded.diagnostics[0].text;
}

}  // namespace

TEST_SUITE("manifest/unit") {
  TEST_CASE("a file keeps its name as given, and its folder") {
    const Folder folder;
    const std::string path = folder.write("a.txt", "kind: Pod\n");
    const LoadedSources loaded = load_sources({path});
    REQUIRE(loaded.sources.size() == 1);
    CHECK(loaded.sources[0].name == path);
    CHECK(loaded.sources[0].text == "kind: Pod\n");
    CHECK(loaded.sources[0].folder == folder.path());
  }

  TEST_CASE("a folder gives its manifests by name, no others, no deeper") {
    const Folder folder;
    for (const char* const name : {"b.yaml", "a.yml", "c.json", "d.txt", ".e.yaml", "f.yaml~"}) {
      folder.write(name, name);
    }
    std::filesystem::create_directory(folder / "sub");
    folder.write("sub/g.yaml", "g");
    const LoadedSources loaded = load_sources({folder.path()});
    REQUIRE(loaded.sources.size() == 3);
    CHECK(loaded.sources[0].text == "a.yml");
    CHECK(loaded.sources[1].text == "b.yaml");
    CHECK(loaded.sources[2].text == "c.json");
    CHECK(loaded.sources[0].folder == folder.path());
    CHECK(loaded.diagnostics.empty());
  }

  TEST_CASE("what is no regular file is refused at once") {
    const Folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK(only_fault(folder / "fifo") == "is a FIFO, not a regular file");
    CHECK(only_fault("/dev/zero") == "is a character device, not a regular file");
    CHECK(only_fault(folder / "none") == "cannot be opened: No such file or directory");
    std::filesystem::create_directory(folder / "empty");
    CHECK(only_fault(folder / "empty") == "no manifest in this folder (*.yaml, *.yml, *.json)");
  }

  TEST_CASE("a file that is too large is not read to its end") {
    const Folder folder;
    const std::string path = folder.write("big.yaml", "");
    std::filesystem::resize_file(path, std::uintmax_t{1} << 40);
    const LoadedSources loaded = load_sources({path});
    REQUIRE(loaded.sources.size() == 1);
    CHECK(loaded.sources[0].text.size() == (1 << 20) + 1);
    const manifest::LoadResult result = manifest::load_paths({path});
    REQUIRE(result.diagnostics.size() == 1);
    CHECK(result.diagnostics[0].text == "the text is larger than 1 MiB");
  }

  TEST_CASE("the pipe of a shell is read to its end") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    REQUIRE(::write(ends[1], "a: b\n", 5) == 5);
    ::close(ends[1]);
    const LoadedSources loaded = load_sources({"/dev/fd/" + std::to_string(ends[0])});
    ::close(ends[0]);
    REQUIRE(loaded.sources.size() == 1);
    CHECK(loaded.sources[0].text == "a: b\n");
  }

  TEST_CASE("one bad path leaves nothing to start, and the others are still judged") {
    const Folder folder;
    const std::string good = folder.write("a.yaml",
                                          "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: "
                                          "{containers: [{name: c, image: busybox}]}\n");
    const std::string bad = folder.write("b.yaml", "kind: Pdo\napiVersion: v1\n");
    CHECK(manifest::load_paths({good}).pods.size() == 1);
    const manifest::LoadResult result = manifest::load_paths({good, folder / "none", bad});
    CHECK(result.pods.empty());
    CHECK(result.diagnostics.size() == 2);
  }
}
