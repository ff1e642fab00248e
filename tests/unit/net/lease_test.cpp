#include "net/lease.hpp"

#include "support/temp_tree.hpp"
#include "sys/error.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <fstream>
#include <set>

using namespace pausa;

namespace {

const auto everybody_lives = [](const net::LeaseOwner& /*owner*/) { return true; };

net::Pool small_pool() {
  return {*net::parse_subnet("192.0.2.0/29"), std::nullopt};
}

}  // namespace

TEST_SUITE_BEGIN("net/lease");

TEST_CASE("no address is given twice, and an address rests before it is given again") {
  const test::TempTree tree;
  const net::LeaseBook book(tree.path() + "/leases", small_pool());
  CHECK(book.take({"a", "default/a"}, everybody_lives) == 2);
  CHECK(book.take({"b", "default/b"}, everybody_lives) == 3);
  book.release(2, "a");
  CHECK(book.take({"c", "default/c"}, everybody_lives) == 4);
  CHECK(book.take({"d", "default/d"}, everybody_lives) == 5);
  CHECK(book.take({"e", "default/e"}, everybody_lives) == 6);
  CHECK(book.take({"f", "default/f"}, everybody_lives) == 2);
}

TEST_CASE("when all are taken it says so and leaves nothing behind") {
  const test::TempTree tree;
  const net::LeaseBook book(tree.path() + "/leases", small_pool());
  for (int i = 0; i < 5; ++i) (void)book.take({std::to_string(i), "default/x"}, everybody_lives);
  CHECK_THROWS_WITH_AS((void)book.take({"late", "default/late"}, everybody_lives),
                       doctest::Contains("no address is left in 192.0.2.0/29"), sys::Error);
  CHECK(::access((tree.path() + "/leases/.late").c_str(), F_OK) != 0);
}

TEST_CASE("leases of pods that are gone are found when addresses run out") {
  const test::TempTree tree;
  const net::LeaseBook book(tree.path() + "/leases", small_pool());
  for (int i = 0; i < 5; ++i)
    (void)book.take({std::to_string(i), "default/pod" + std::to_string(i)}, everybody_lives);
  const auto number = book.take({"late", "default/late"}, [](const net::LeaseOwner& owner) {
    return owner.uid != "3" || owner.words != "default/pod3";
  });
  CHECK(number == 5);
}

TEST_CASE("nobody gives up another's address") {
  const test::TempTree tree;
  const net::LeaseBook book(tree.path() + "/leases", small_pool());
  CHECK(book.take({"a", "default/a"}, everybody_lives) == 2);
  book.release(2, "b");
  book.release(4, "b");
  book.release_all_of("b");
  CHECK(::access((tree.path() + "/leases/192.0.2.2").c_str(), F_OK) == 0);
  book.release_all_of("a");
  CHECK(::access((tree.path() + "/leases/192.0.2.2").c_str(), F_OK) != 0);
}

TEST_CASE("whoever is killed between two steps leaves only what is removed with the pod") {
  const test::TempTree tree;
  const std::string folder = tree.path() + "/leases";
  const net::LeaseBook book(folder, small_pool());
  std::ofstream(folder + "/.a") << "a default/a\n";         // before the link
  std::ofstream(folder + "/192.0.2.4") << "a default/a\n";  // before the record said so
  book.release_all_of("a");
  CHECK(::access((folder + "/.a").c_str(), F_OK) != 0);
  CHECK(::access((folder + "/192.0.2.4").c_str(), F_OK) != 0);
  CHECK(book.take({"b", "default/b"}, everybody_lives) == 2);
}

TEST_CASE("many at once get one each") {
  const test::TempTree tree;
  const net::Pool pool{*net::parse_subnet("10.1.0.0/24"), std::nullopt};
  const std::string folder = tree.path() + "/leases";
  constexpr int children = 8;
  constexpr int each = 20;
  const net::LeaseBook first(folder, pool);
  for (int child = 0; child < children; ++child)
    if (::fork() == 0) {
      const net::LeaseBook book(folder, pool);
      for (int i = 0; i < each; ++i)
        (void)book.take({std::to_string(child) + "." + std::to_string(i), "default/x"},
                        everybody_lives);
      ::_exit(0);
    }
  for (int child = 0; child < children; ++child) {
    int status = 0;
    ::wait(&status);
    CHECK(status == 0);
  }
  std::set<std::string> owners;
  for (std::uint32_t number = 2; number <= pool.last(); ++number) {
    std::ifstream lease(folder + "/" + net::to_text(pool.v4_of(number)));
    std::string uid;
    if (lease >> uid) CHECK(owners.insert(uid).second);
  }
  CHECK(owners.size() == children * each);
}

TEST_SUITE_END();
