#include "pod.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <random>
#include <set>

using namespace pausa;
using test::can_make_namespaces;
using test::eventually;
using test::Gate;
using test::Pod;

namespace {

// The next pushed exit; a hang ends as a failed test.
std::optional<infra::Exit> await_exit(infra::Client& client) {
  for (;;) {
    if (auto exit = client.next_exit()) return exit;
    pollfd waiting{client.fd(), POLLIN, 0};
    if (::poll(&waiting, 1, 60'000) <= 0) return std::nullopt;
  }
}

std::size_t registered(const infra::Client& client) {
  return client.table().entries().size();
}

ino_t inode(int fd) {
  struct ::stat info {};
  sys::check(::fstat(fd, &info), "stat");
  return info.st_ino;
}

// Sends what is given as one packet; true when infra closed the connection instead of an answer.
bool is_closed_after(int socket, const void* data, std::size_t size,
                     const std::vector<int>& passengers = {}) {
  iovec part{const_cast<void*>(data), size};
  std::vector<char> control(CMSG_SPACE(passengers.size() * sizeof(int)));
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!passengers.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(passengers.size() * sizeof(int));
    std::copy(passengers.begin(), passengers.end(), reinterpret_cast<int*>(CMSG_DATA(header)));
  }
  sys::check(::sendmsg(socket, &message, MSG_NOSIGNAL), "send");
  char answer[64];
  const ssize_t got = ::recv(socket, answer, sizeof answer, 0);
  return got == 0 || (got < 0 && errno == ECONNRESET);
}

}  // namespace

TEST_SUITE("infra/unit" * doctest::skip(::geteuid() != 0 || !can_make_namespaces())) {
  TEST_CASE("a member's exit code is pushed, and stands in the table until it is forgotten") {
    const Pod pod;
    auto client = pod.client();
    const Gate gate;
    const auto member = pod.start([] { ::_exit(42); }, gate.wait_end());
    const auto place = client.register_member(member.pid, 7);
    REQUIRE(place);
    CHECK_FALSE(client.table().find(*place)->exited);
    gate.release();
    const auto exit = await_exit(client);
    REQUIRE(exit);
    CHECK(exit->key == 7);
    CHECK(exit->pid == member.pid);
    CHECK(exit->registration == *place);
    CHECK(exit->status.code == CLD_EXITED);
    CHECK(exit->status.status == 42);
    CHECK(exit->boottime >= client.table().started());
    CHECK(exit->realtime > std::chrono::hours(24 * 365 * 50));
    const auto entry = client.table().find(*place);
    REQUIRE(entry);
    CHECK(entry->exited);
    CHECK(entry->member.key == 7);
    CHECK(entry->member.status.status == 42);
    CHECK(entry->member.boottime == exit->boottime);
    CHECK(entry->member.realtime == exit->realtime);
    CHECK(client.table().exits() == 1);
    CHECK(client.forget(*place));
    CHECK_FALSE(client.table().find(*place));
    CHECK_FALSE(client.forget(*place));
    CHECK_FALSE(client.missed_exits());
  }

  TEST_CASE("a member's death by a signal is told as such") {
    const Pod pod;
    auto client = pod.client();
    const auto member = pod.start([] { ::pause(); });
    REQUIRE(client.register_member(member.pid, 1));
    sys::send_signal(member.pidfd.get(), SIGKILL);
    const auto exit = await_exit(client);
    REQUIRE(exit);
    CHECK(exit->status.code == CLD_KILLED);
    CHECK(exit->status.status == SIGKILL);
  }

  TEST_CASE("a process that is gone cannot be registered") {
    const Pod pod;
    auto client = pod.client();
    const auto member = pod.start([] {});
    REQUIRE(eventually([&] { return client.table().reaped() == 1; }));
    CHECK_FALSE(client.register_member(member.pid, 1));
    CHECK_FALSE(client.register_member(1, 1));
    CHECK_FALSE(client.register_member(0, 1));
    CHECK_FALSE(client.register_member(-1, 1));
    CHECK(registered(client) == 0);
  }

  TEST_CASE("registering twice finds the same place, under another key it is refused") {
    const Pod pod;
    auto client = pod.client();
    const Gate gate;
    const auto member = pod.start([] {}, gate.wait_end());
    const auto place = client.register_member(member.pid, 5);
    CHECK(client.register_member(member.pid, 5) == place);
    CHECK_THROWS_WITH_AS(client.register_member(member.pid, 6),
                         "register a member with infra: File exists", sys::Error);
    CHECK(registered(client) == 1);
    gate.release();
    REQUIRE(await_exit(client));
  }

  TEST_CASE("a registration outlives the connection that made it, and its exit is not lost") {
    const Pod pod;
    const Gate gate;
    std::optional<infra::Registration> place;
    {
      auto client = pod.client();
      const auto member = pod.start([] { ::_exit(3); }, gate.wait_end());
      place = client.register_member(member.pid, 9);
    }
    gate.release();
    auto client = pod.client();
    REQUIRE(eventually([&] { return client.table().exits() == 1; }));
    const auto entry = client.table().find(*place);
    REQUIRE(entry);
    CHECK(entry->member.key == 9);
    CHECK(entry->member.status.status == 3);
  }

  TEST_CASE("a transient place is freed when its process has exited and its connection is closed") {
    const Pod pod;
    auto watcher = pod.client();
    const Gate gate;
    const auto first = pod.start([] {}, gate.wait_end());
    SUBCASE("exit first") {
      auto owner = std::optional(pod.client());
      const auto place = owner->register_member(first.pid, 1, true);
      gate.release();
      REQUIRE(await_exit(*owner));
      CHECK(watcher.table().find(*place)->exited);
      CHECK(watcher.list_fds().empty());  // whatever was pushed before this answer has come
      CHECK_FALSE(watcher.next_exit());   // nobody else is woken
      owner.reset();
      CHECK(eventually([&] { return registered(watcher) == 0; }));
    }
    SUBCASE("close first") {
      auto owner = std::optional(pod.client());
      const auto place = owner->register_member(first.pid, 1, true);
      owner.reset();
      CHECK(watcher.list_fds().empty());  // infra has seen the end of the other connection by now
      CHECK(watcher.table().find(*place));
      gate.release();
      CHECK(eventually([&] { return registered(watcher) == 0; }));
    }
  }

  TEST_CASE("orphans are reaped, thousands of them, and disturb no member") {
    const Pod pod;
    auto client = pod.client();
    const Gate gate;
    const auto member = pod.start([] { ::_exit(6); }, gate.wait_end());
    REQUIRE(client.register_member(member.pid, 1));
#ifdef __SANITIZE_ADDRESS__
    constexpr int orphans = 1000;  // a fork costs twenty times as much
#else
    constexpr int orphans = 5000;
#endif
    const auto storm = pod.start([] {
      for (int i = 0; i < orphans;) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(0);
        if (child > 0) ++i;  // else the limit of processes: infra is reaping
      }
    });
    // Those that had not ended before their parent come to infra; the last ones always do.
    sys::check(sys::wait_dead(storm.pidfd.get(), std::chrono::seconds(60)) ? 0 : -1, "storm");
    CHECK(eventually([&] { return client.table().reaped() == orphans + 1; }));
    CHECK(client.table().exits() == 0);
    gate.release();
    CHECK(await_exit(client)->status.status == 6);
  }

  TEST_CASE("a supervisor that does not read gets its answers, and learns that it missed exits") {
    const Pod pod;
    auto silent = pod.client();
    auto client = pod.client();
    constexpr int count = 400;
    const Gate gate;
    const auto members = pod.start_many(
        count, [] { ::_exit(1); }, gate.wait_end());
    for (int i = 0; i < count; ++i)
      REQUIRE(client.register_member(members[static_cast<std::size_t>(i)].pid,
                                     static_cast<std::uint64_t>(i)));
    gate.release(count);
    REQUIRE(eventually([&] { return client.table().exits() == count; }));
    CHECK(silent.list_fds().empty());
    int pushed = 0;
    while (silent.next_exit()) ++pushed;
    CHECK(pushed > 0);
    CHECK(pushed < count);
    // The gap shows with the next push.
    const auto last = pod.start([] {}, gate.wait_end());
    REQUIRE(client.register_member(last.pid, count));
    gate.release();
    CHECK(await_exit(silent)->key == count);
    CHECK(silent.missed_exits());
    CHECK_FALSE(silent.missed_exits());
    const auto entries = silent.table().entries();
    CHECK(entries.size() == count + 1);
    CHECK(std::all_of(entries.begin(), entries.end(), [](const auto& e) { return e.exited; }));
  }

  TEST_CASE("the table's places end, are used again, and never under the same name") {
    const Pod pod;
    auto client = pod.client();
    const Gate gate;
    const auto members = pod.start_many(
        infra::max_members + 1, [] {}, gate.wait_end());
    std::set<std::uint32_t> slots;
    for (std::size_t i = 0; i < infra::max_members; ++i)
      slots.insert(client.register_member(members[i].pid, i)->slot);
    CHECK(slots.size() == infra::max_members);
    CHECK_THROWS_WITH_AS(client.register_member(members.back().pid, 0),
                         "register a member with infra: No space left on device", sys::Error);
    const auto entry = client.table().entries().front();
    REQUIRE(client.forget(entry.member.registration));
    const auto again = client.register_member(members.back().pid, 77);
    REQUIRE(again);
    CHECK(again->slot == entry.member.registration.slot);
    CHECK(again->generation != entry.member.registration.generation);
    CHECK_FALSE(client.table().find(entry.member.registration));
    CHECK_FALSE(client.forget(entry.member.registration));
    CHECK(client.table().find(*again)->member.key == 77);
    gate.release(infra::max_members + 1);
    CHECK(eventually([&] { return client.table().exits() == infra::max_members; }));
  }

  TEST_CASE("a reader of the table never sees half an entry") {
    const Pod pod;
    auto client = pod.client();
    const int looks = 200;
    // A second process looks all the time; key, pid and status of a member belong together.
    const pid_t reader = sys::check(::fork(), "fork");
    if (reader == 0) {
      std::uint64_t seen = 0;
      while (client.table().exits() < looks)
        for (const auto& entry : client.table().entries()) {
          if (entry.member.key != static_cast<std::uint64_t>(entry.member.pid) * 1000) ::_exit(1);
          if (entry.exited && entry.member.status.status != entry.member.pid % 200) ::_exit(2);
          if (entry.exited && entry.member.boottime < client.table().started()) ::_exit(3);
          ++seen;
        }
      ::_exit(seen > 0 ? 0 : 4);
    }
    const Gate gate;
    for (int i = 0; i < looks; ++i) {
      const auto member = pod.start([] { ::_exit(static_cast<int>(::syscall(SYS_getpid)) % 200); },
                                    gate.wait_end());
      REQUIRE(client.register_member(member.pid, static_cast<std::uint64_t>(member.pid) * 1000));
      gate.release();
      const auto exit = await_exit(client);
      REQUIRE(exit);
      if (i + 1 < looks) REQUIRE(client.forget(exit->registration));
    }
    int status = -1;
    REQUIRE(::waitpid(reader, &status, 0) == reader);
    CHECK(status == 0);
  }

  TEST_CASE("the table that infra hands out cannot be written") {
    const Pod pod;
    const sys::UniqueFd socket = pod.raw_connection();
    infra::Request hello{};
    hello.op = static_cast<std::uint16_t>(infra::Op::hello);
    REQUIRE(sys::send_packet(socket.get(), &hello, sizeof hello) > 0);
    infra::Reply reply{};
    int fd = -1;
    REQUIRE(sys::receive_packet(socket.get(), &reply, sizeof reply, fd) == sizeof reply);
    const sys::UniqueFd table(fd);
    CHECK(reply.version == infra::protocol_version);
    CHECK(::write(table.get(), "x", 1) < 0);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(table.get(), 0) < 0);
    const std::string path = "/proc/self/fd/" + std::to_string(table.get());
    const sys::UniqueFd reopened(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    CHECK(::write(reopened.get(), "x", 1) < 0);
  }

  TEST_CASE("the fd store keeps what was put, across connections, until it is dropped") {
    const Pod pod;
    int ends[2];
    sys::check(::pipe2(ends, O_CLOEXEC), "pipe");
    sys::UniqueFd read_end(ends[0]);
    const sys::UniqueFd write_end(ends[1]);
    const ino_t pipe_inode = inode(ends[0]);
    {
      auto client = pod.client();
      client.put_fd(10, read_end.get());
      client.put_fd(~0ULL, read_end.get());
      CHECK_FALSE(client.get_fd(11));
    }
    sys::check(::write(write_end.get(), "kept", 4), "write");
    read_end.reset();
    auto client = pod.client();
    CHECK(client.list_fds() == std::vector<std::uint64_t>{10, ~0ULL});
    {
      const auto fetched = client.get_fd(10);
      REQUIRE(fetched);
      CHECK(inode(fetched->get()) == pipe_inode);
      CHECK((::fcntl(fetched->get(), F_GETFD) & FD_CLOEXEC) != 0);
      char text[8] = {};
      CHECK(::read(fetched->get(), text, sizeof text) == 4);
    }
    // Replaced: the key now names another file, and the other key still the pipe.
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    client.put_fd(10, null.get());
    CHECK(client.list_fds().size() == 2);
    CHECK(inode(client.get_fd(10)->get()) == inode(null.get()));
    CHECK(client.drop_fd(~0ULL));
    CHECK_FALSE(client.drop_fd(~0ULL));
    CHECK(client.list_fds() == std::vector<std::uint64_t>{10});
    // The last read end is closed now, so writing fails.
    const auto before = ::signal(SIGPIPE, SIG_IGN);
    CHECK(::write(write_end.get(), "x", 1) < 0);
    CHECK(errno == EPIPE);
    (void)::signal(SIGPIPE, before);
  }

  TEST_CASE("the fd store ends at its limit, and replacing still works there") {
    const Pod pod;
    auto client = pod.client();
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    for (std::uint64_t key = 0; key < infra::max_stored_fds; ++key) client.put_fd(key, null.get());
    CHECK_THROWS_WITH_AS(client.put_fd(infra::max_stored_fds, null.get()),
                         "leave a descriptor with infra: No space left on device", sys::Error);
    CHECK_NOTHROW(client.put_fd(0, null.get()));
    CHECK(client.drop_fd(100));
    CHECK_NOTHROW(client.put_fd(infra::max_stored_fds, null.get()));
    CHECK(client.list_fds().size() == infra::max_stored_fds);
  }

  TEST_CASE("a malformed packet closes its connection, and no other") {
    const Pod pod;
    auto bystander = pod.client();
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto request = [](infra::Op op) {
      infra::Request text{};
      text.op = static_cast<std::uint16_t>(op);
      return text;
    };
    std::array<char, 4096> garbage{};
    garbage.fill('\xff');
    const auto unknown = request(infra::Op{999});
    const auto push = request(infra::Op::exit);
    const auto list = request(infra::Op::list);
    const auto put = request(infra::Op::put);
    const auto closes = [&](const void* data, std::size_t size, const std::vector<int>& fds = {}) {
      return is_closed_after(pod.raw_connection().get(), data, size, fds);
    };
    const std::vector<int> one{null.get()};
    CHECK(closes(garbage.data(), garbage.size()));
    CHECK(closes(garbage.data(), sizeof(infra::Request)));
    CHECK(closes(garbage.data(), 1));
    CHECK(closes(&list, sizeof list - 1));
    CHECK(closes(&list, 0));
    CHECK(closes(&unknown, sizeof unknown));
    CHECK(closes(&push, sizeof push));
    CHECK(closes(&list, sizeof list, one));                     // a passenger that nobody asked for
    CHECK(closes(&put, sizeof put));                            // none where there must be one
    CHECK(closes(&put, sizeof put, {null.get(), null.get()}));  // two
    CHECK(closes(&put, sizeof put, std::vector<int>(200, null.get())));  // a crowd
    CHECK_FALSE(closes(&list, sizeof list));
    CHECK(bystander.list_fds().empty());
    // None of those passengers is still aboard.
    const std::string fds = "/proc/" + std::to_string(pod.pid()) + "/fd";
    CHECK(eventually(
        [&] { return std::distance(std::filesystem::directory_iterator(fds), {}) == 5; }));
  }

  TEST_CASE("random requests do no harm to the others") {
    const Pod pod;
    auto bystander = pod.client();
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    bystander.put_fd(1ULL << 60U, null.get());
    const Gate gate;
    const auto member = pod.start([] { ::_exit(8); }, gate.wait_end());
    REQUIRE(bystander.register_member(member.pid, 1));
    std::mt19937 random(20);  // the same each time
    const auto below = [&](unsigned limit) { return static_cast<std::uint32_t>(random() % limit); };
    for (int i = 0; i < 5000; ++i) {
      infra::Request request{};
      request.op = static_cast<std::uint16_t>(below(10));
      request.flags = static_cast<std::uint16_t>(random());
      request.key = below(600);
      request.pid = static_cast<std::int32_t>(random());
      request.slot =
          below(2) == 0 ? below(infra::max_members * 2) : static_cast<std::uint32_t>(random());
      request.generation = 2 + below(5);  // never the member's
      (void)is_closed_after(pod.raw_connection().get(), &request,
                            sizeof request - std::size_t{below(2)} * below(32),
                            below(2) == 0 ? std::vector<int>{} : std::vector<int>{null.get()});
    }
    gate.release();
    CHECK(await_exit(bystander)->status.status == 8);
    CHECK(bystander.get_fd(1ULL << 60U));
    CHECK(bystander.list_fds().size() <= infra::max_stored_fds);
  }

  TEST_CASE("connections beyond the limit are closed, and the others live on") {
    const Pod pod;
    auto first = pod.client();
    std::vector<sys::UniqueFd> crowd;
    for (std::size_t i = 1; i < infra::max_connections; ++i) crowd.push_back(pod.raw_connection());
    CHECK_THROWS_AS(pod.client(), sys::Error);
    CHECK(first.list_fds().empty());
    crowd.pop_back();
    CHECK(eventually([&] {
      try {
        return pod.client().list_fds().empty();
      } catch (const sys::Error&) {
        return false;
      }
    }));
  }

  TEST_CASE("a member cannot talk to infra, even where it can reach the socket") {
    const Pod pod;
    const int folder = pod.folder().fd();
    auto client = pod.client();
    const Gate gate;
    const auto member = pod.start(
        [folder] {
          const auto socket = sys::connect_at(folder, "infra.sock", SOCK_SEQPACKET);
          infra::Request hello{};
          hello.op = static_cast<std::uint16_t>(infra::Op::hello);
          infra::Reply reply{};
          int fd = -1;
          (void)sys::send_packet(socket.get(), &hello, sizeof hello);
          ::_exit(sys::receive_packet(socket.get(), &reply, sizeof reply, fd) > 0 ? 1 : 0);
        },
        gate.wait_end());
    REQUIRE(client.register_member(member.pid, 1));
    gate.release();
    CHECK(await_exit(client)->status.status == 0);
  }

  TEST_CASE("infra ignores every signal that a member can send, but not ours to kill") {
    Pod pod;
    auto client = pod.client();
    const Gate gate;
    const auto member = pod.start(
        [] {
          for (int signal = 1; signal <= 64; ++signal) (void)::kill(1, signal);
        },
        gate.wait_end());
    REQUIRE(client.register_member(member.pid, 1));
    gate.release();
    CHECK(await_exit(client)->status.status == 0);
    CHECK(client.list_fds().empty());
    const auto survivor = pod.start([] { ::pause(); });
    pod.kill();
    CHECK(sys::wait_dead(survivor.pidfd.get(), std::chrono::seconds(60)));
    CHECK_THROWS_AS(client.list_fds(), sys::Error);
    CHECK_THROWS_AS(client.next_exit(), sys::Error);
    CHECK_FALSE(
        infra::Client::connect(pod.folder().path() + "/infra.sock", std::chrono::seconds(5)));
    // What the table says outlives infra.
    CHECK(client.table().exits() == 1);
  }

  TEST_CASE("with infra all of two hundred members die") {
    Pod pod;
    const auto members = pod.start_many(200, [] {
      for (;;) ::pause();
    });
    pod.kill();  // the kernel lets it be reaped only when nobody is left (pid_namespaces(7))
    for (const auto& member : members)
      REQUIRE(sys::wait_dead(member.pidfd.get(), std::chrono::milliseconds(0)));
  }

  TEST_CASE("what a dead infra kept need not be dropped") {
    Pod pod;
    auto client = pod.client();
    pod.kill();
    CHECK_FALSE(client.drop_fd(5));
    CHECK_THROWS_AS((void)client.get_fd(5), sys::Error);
  }

  TEST_CASE("an infra that does not answer is an error at the deadline, not a hang") {
    const Pod pod;
    auto client =
        infra::Client::connect(pod.folder().fd(), "infra.sock", std::chrono::milliseconds(100));
    REQUIRE(client);
    sys::send_signal(pod.sandbox().pidfd.get(), SIGSTOP);
    CHECK_THROWS_WITH_AS(client->drop_fd(5), doctest::Contains("timed out"), sys::Error);
    sys::send_signal(pod.sandbox().pidfd.get(), SIGCONT);
    // The late answer belongs to nobody: the next request gets its own.
    const sys::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    CHECK(eventually([&] {
      try {
        client->put_fd(5, null.get());
        return client->get_fd(5).has_value() && client->drop_fd(5);
      } catch (const sys::Error&) {
        return false;
      }
    }));
  }
}
