#include "cli/namespace_matrix.hpp"

#include <doctest/doctest.h>

using namespace pausa;
using cli::namespace_matrix;
using cli::NamespaceSeat;

namespace {

// mnt net pid ipc uts user cgroup time
constexpr sys::NamespaceInodes host{1, 2, 3, 4, 5, 6, 7, 8};

}  // namespace

TEST_SUITE("cli/unit") {
  TEST_CASE("the same letter means the same namespace, a star the host's") {
    const auto text = namespace_matrix({{"infra", {10, 11, 12, 13, 14, 6, 7, 8}},
                                        {"web", {20, 11, 12, 13, 14, 6, 21, 8}}},
                                       host, false)
                          .text();
    CHECK(text ==
          "        mnt   net   pid   ipc   uts   user   cgroup   time\n"
          "infra   A     B     C     D     E     *      *        *\n"
          "web     F     B     C     D     E     *      G        *\n");
  }

  TEST_CASE("a PID namespace of its own is shown inside infra's") {
    const auto text = namespace_matrix({{"infra", {10, 2, 12, 4, 5, 6, 7, 8}},
                                        {"web", {20, 2, 22, 4, 5, 6, 7, 8}, true}},
                                       host, false)
                          .text(false);
    CHECK(text ==
          "infra   A   *   B     *   *   *   *   *\n"
          "web     C   *   D<B   *   *   *   *   *\n");
  }

  TEST_CASE("nested in the host's PID namespace when infra has none") {
    const auto text =
        namespace_matrix({{"infra", host}, {"web", {1, 2, 22, 4, 5, 6, 7, 8}, true}}, host, false)
            .text(false);
    CHECK(text.find("A<*") != std::string::npos);
  }

  TEST_CASE("a member that is gone has dashes, and inodes can be shown") {
    const auto text =
        namespace_matrix({{"infra", {10, 2, 12, 4, 5, 6, 7, 8}}, {"web", {}}}, host, true)
            .text(false);
    CHECK(text ==
          "infra   10   2*   12   4*   5*   6*   7*   8*\n"
          "web     -    -    -    -    -    -    -    -\n");
  }
}
