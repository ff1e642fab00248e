#include "unpack/decode.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"
#include "sys/tool.hpp"

#include <unistd.h>

#include <doctest/doctest.h>

using namespace pausa;

namespace {

// A tar of one empty block: plain, and as gzip and zstd make it.
const std::string nothing(1024, '\0');

std::string digest_of(const std::string& path) {
  sys::ToolRequest request;
  request.program = sys::find_tool("sha256sum");
  request.arguments = {"sha256sum", path};
  request.hear_output = true;
  return "sha256:" + sys::Tool(request).wait().output.substr(0, 64);
}

std::string run(const std::string& name, std::vector<std::string> words) {
  sys::ToolRequest request;
  request.program = sys::find_tool(name);
  words.insert(words.begin(), name);
  request.arguments = std::move(words);
  request.hear_output = true;
  return sys::Tool(request).wait().output;
}

struct Blob {
  test::TempTree tree;
  std::string path = tree.path() + "/blob";
  std::string diff_id;

  explicit Blob(const std::string& plain) {
    sys::create_file_at(AT_FDCWD, path, plain, 0600);
    diff_id = digest_of(path);
  }
  void become(const std::string& bytes) { sys::create_file_at(AT_FDCWD, path, bytes, 0600); }
  std::string decode(std::uint64_t most = 1U << 30U, const std::string& digest = "") {
    const auto fd = sys::open_at(AT_FDCWD, path, O_RDONLY);
    unpack::LayerStream stream(fd.get(), digest.empty() ? digest_of(path) : digest, diff_id, most);
    std::string all;
    for (auto part = stream.next(); !part.empty(); part = stream.next()) all += part;
    stream.finish();
    return all;
  }
};

}  // namespace

TEST_SUITE("unpack/decode") {
  TEST_CASE("plain, gzip of several members and zstd give the same bytes") {
    const std::string text = std::string(700'000, '\0') + std::string(300'000, 'x');
    Blob blob(text);
    CHECK(blob.decode() == text);
    blob.become(run("gzip", {"-c", blob.path}));
    CHECK(blob.decode() == text);
    Blob members(nothing + nothing);
    members.become(nothing);
    const std::string one = run("gzip", {"-nc", members.path});
    members.become(one + one);
    CHECK(members.decode() == nothing + nothing);
    if (sys::find_tool("zstd").empty()) {
      MESSAGE("no zstd here");
      return;
    }
    blob.become(text);
    blob.become(run("zstd", {"-qc", blob.path}));
    CHECK(blob.decode() == text);
  }

  TEST_CASE("other bytes than those of the digests are refused") {
    Blob blob(nothing);
    CHECK_THROWS_AS((void)blob.decode(1U << 30U, "sha256:" + std::string(64, '0')), sys::Error);
    blob.diff_id = "sha256:" + std::string(64, '1');
    CHECK_THROWS_AS((void)blob.decode(), sys::Error);
    for (const std::string bad :
         {"md5:00", "sha256:../../x", "sha256:", "",
          "sha256:ABCDEF0000000000000000000000000000000000000000000000000000000000"})
      CHECK_THROWS_AS((void)unpack::Digester(bad), sys::Error);
  }

  TEST_CASE("data that is cut off, broken, followed by junk or of another format is refused") {
    Blob blob(std::string(100'000, '\0'));
    const std::string whole = run("gzip", {"-nc", blob.path});
    blob.become(whole.substr(0, whole.size() / 2));
    CHECK_THROWS_WITH_AS((void)blob.decode(), "the layer is cut off", sys::Error);
    blob.become(whole + "junk behind it");
    CHECK_THROWS_AS((void)blob.decode(), sys::Error);
    std::string broken = whole;
    broken[whole.size() - 6] ^= 1;  // of its checksum
    blob.become(broken);
    CHECK_THROWS_AS((void)blob.decode(), sys::Error);
    // Headers that never come to their end: a name, and an extra field of a member behind another.
    const std::string name("\x1f\x8b\x08\x08\0\0\0\0\0\3", 10);
    for (const std::string& before : {std::string(), whole}) {
      blob.become(before + name + std::string(1U << 20U, 'n'));
      CHECK_THROWS_AS((void)blob.decode(), sys::Error);
    }
    for (const std::string head : {"Rar!\x1a\x07", "7z\xbc\xaf\x27\x1c", "PK\x03\x04",
                                   "\xfd"
                                   "7zXZ"}) {
      blob.become(head + std::string(2000, 'j'));
      CHECK_THROWS_AS((void)blob.decode(), sys::Error);
    }
  }

  TEST_CASE("an empty blob is an empty layer, a bomb ends at its limit") {
    Blob blob("");
    CHECK(blob.decode().empty());
    Blob bomb(std::string(8U << 20U, '\0'));
    bomb.become(run("gzip", {"-c", bomb.path}));
    CHECK_THROWS_WITH_AS((void)bomb.decode(1U << 20U),
                         "the layer exceeds its limit of 1048576 unpacked bytes", sys::Error);
  }
}
