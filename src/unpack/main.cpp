// pausa-unpack DIGEST DIFF_ID: unpacks one layer. Descriptor 0 is its blob, 3 the empty directory
// that it goes into. Prints the paths of opaque directories, each closed by a zero byte: their
// attribute is another one for root's overlays (and takes a privilege which this process gives up)
// than for those of user namespaces, so its maker sets it. pausa-unpack DIGEST: only compares the
// digest of descriptor 0. Exit code 1 and one line on stderr: why not.
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

namespace {

constexpr int blob_fd = 0;
constexpr int layer_fd = 3;

void unpack_layer(char** argv) {
  using namespace pausa;
  struct ::stat blob {};
  sys::check(::fstat(blob_fd, &blob), "stat the layer's blob");
  const unpack::Limits limits = unpack::limits_of(static_cast<std::uint64_t>(blob.st_size));
  unpack::LayerStream stream(blob_fd, argv[1], argv[2], limits.bytes);
  const bool owners = ::geteuid() == 0;
  (void)::umask(0);
  unpack::confine(layer_fd);
  unpack::Writer writer(layer_fd, limits, owners);
  unpack::unpack_tar(stream, writer, limits);
  stream.finish();
  for (const auto& path : writer.opaque())
    if (::fwrite(path.c_str(), 1, path.size() + 1, stdout) != path.size() + 1)
      throw sys::Error("the list of opaque directories cannot be written");
  if (::fflush(stdout) != 0) throw sys::Error(errno, "write the list of opaque directories");
}

void compare(const char* digest) {
  using namespace pausa;
  unpack::Digester digester(digest);
  std::array<char, 65536> buffer;
  while (const ssize_t got = sys::check(::read(blob_fd, buffer.data(), buffer.size()), "read it"))
    digester.add(buffer.data(), static_cast<std::size_t>(got));
  digester.require("it");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) return 2;
  (void)::setlocale(LC_CTYPE, "C.UTF-8");  // names of pax headers are UTF-8
  try {
    if (argc == 2)
      compare(argv[1]);
    else
      unpack_layer(argv);
    return 0;
  } catch (const std::bad_alloc&) {
    (void)::fputs("it needs too much memory\n", stderr);
  } catch (const std::exception& error) {
    (void)::fprintf(stderr, "%s\n", error.what());
  }
  return 1;
}
