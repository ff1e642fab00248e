// pausa-unpack DIGEST DIFF_ID: unpacks one layer. Descriptor 0 is its blob (whose digest is known
// to be right where DIGEST is empty), 3 the empty directory that it goes into. Prints the paths of
// opaque directories, each closed by a zero byte: their attribute is another one for root's
// overlays (and takes a privilege which this process gives up) than for those of user namespaces,
// so its maker sets it.
//   pausa-unpack archive: unpacks the regular files of the archive that descriptor 0 is into 3.
//   pausa-unpack member PATH: prints that file of the archive (of at most 4 MiB).
//   pausa-unpack sha256: prints the digest of descriptor 0.
//   pausa-unpack DIGEST: compares it.
// Exit code 1 and one line on stderr: why not.
#include "sys/error.hpp"
#include "unpack/confine.hpp"
#include "unpack/decode.hpp"
#include "unpack/digest.hpp"
#include "unpack/tar.hpp"
#include "unpack/writer.hpp"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <string_view>

namespace {

constexpr int blob_fd = 0;
constexpr int layer_fd = 3;

void unpack_layer(const char* digest, const char* diff_id, pausa::unpack::Contents contents) {
  using namespace pausa;
  struct ::stat blob {};
  sys::check(::fstat(blob_fd, &blob), "stat the layer's blob");
  const unpack::Limits limits = unpack::limits_of(static_cast<std::uint64_t>(blob.st_size));
  unpack::LayerStream stream(blob_fd, digest, diff_id, limits.bytes);
  const bool owners = ::geteuid() == 0 && contents == unpack::Contents::layer;
  (void)::umask(0);
  unpack::confine(layer_fd);
  unpack::Writer writer(layer_fd, limits, owners);
  unpack::unpack_tar(stream, writer, limits, contents);
  stream.finish();
  for (const auto& path : writer.opaque())
    if (::fwrite(path.c_str(), 1, path.size() + 1, stdout) != path.size() + 1)
      throw sys::Error("the list of opaque directories cannot be written");
  if (::fflush(stdout) != 0) throw sys::Error(errno, "write the list of opaque directories");
}

void print_member(const char* path) {
  using namespace pausa;
  constexpr std::size_t most_bytes = std::size_t{4} << 20U;
  unpack::LayerStream stream(blob_fd, "", "", unpack::Limits().bytes);
  unpack::confine(-1);
  const auto text = unpack::find_member(stream, path, most_bytes);
  if (!text) throw sys::Error("the archive has no such file");
  if (::fwrite(text->data(), 1, text->size(), stdout) != text->size() || ::fflush(stdout) != 0)
    throw sys::Error(errno, "write it");
}

void digest_of(const char* digest) {
  using namespace pausa;
  unpack::Digester digester(digest);
  std::array<char, 65536> buffer;
  while (const ssize_t got = sys::check(::read(blob_fd, buffer.data(), buffer.size()), "read it"))
    digester.add(buffer.data(), static_cast<std::size_t>(got));
  if (std::string_view(digest) != "sha256") return digester.require("it");
  if (::puts(digester.result().c_str()) < 0 || ::fflush(stdout) != 0)
    throw sys::Error(errno, "write the digest");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  (void)::setlocale(LC_CTYPE, "C.UTF-8");  // names of pax headers are UTF-8
  try {
    using pausa::unpack::Contents;
    if (argc == 3 && std::string_view(argv[1]) == "member")
      print_member(argv[2]);
    else if (argc == 3)
      unpack_layer(argv[1], argv[2], Contents::layer);
    else if (std::string_view(argv[1]) == "archive")
      unpack_layer("", "", Contents::files);
    else
      digest_of(argv[1]);
    return 0;
  } catch (const std::bad_alloc&) {
    (void)::fputs("it needs too much memory\n", stderr);
  } catch (const std::exception& error) {
    (void)::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
