#include "image/image.hpp"

#include "image/busybox.hpp"
#include "image/host.hpp"
#include "support/messages.hpp"
#include "support/temp_tree.hpp"
#include "sys/process.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstring>

using namespace pausa;
using test::mentions;
using test::message_of;
using test::TempTree;

namespace {

bool have_busybox() {
  return ::faccessat(AT_FDCWD, "/bin/busybox", X_OK, 0) == 0;
}

// Runs a shell line with `root` as its root directory; 255 if the shell does not start.
int run_inside(const std::string& root, const char* line) {
  const pid_t child = sys::check(::fork(), "fork");
  if (child == 0) {
    if (::chroot(root.c_str()) != 0 || ::chdir("/") != 0) ::_exit(254);
    const char* const arguments[] = {"sh", "-c", line, nullptr};
    const char* const environment[] = {"PATH=/usr/bin:/bin:/usr/sbin:/sbin", nullptr};
    ::execve("/bin/sh", const_cast<char* const*>(arguments), const_cast<char* const*>(environment));
    ::_exit(255);
  }
  int status = 0;
  sys::check(::waitpid(child, &status, 0), "wait");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 253;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  sys::check(::lstat(path.c_str(), &info), "stat ", path);
  return info.st_mode & 07777;
}

}  // namespace

TEST_SUITE("reference/unit") {
  TEST_CASE("busybox is known in its spellings, with any tag") {
    for (const char* image :
         {"busybox", "busybox:1.36", "busybox:latest", "busybox:1.36.1-musl", "library/busybox",
          "docker.io/busybox", "docker.io/library/busybox:stable", "index.docker.io/busybox:1",
          "dir:/srv/rootfs", "dir:./rootfs", "host:"}) {
      CAPTURE(image);
      CHECK(image::check_reference(image) == "");
    }
  }

  TEST_CASE("what cannot be an image is refused, with what is wrong") {
    for (const char* image : {"nginx", "nginx:1.27", "quay.io/library/busybox", "oci:layout:tag",
                              "docker-archive:x.tar", "localhost:5000/a/b:c"})
      CHECK_MESSAGE(image::check_reference(image).empty(), image);
    CHECK(mentions(image::check_reference("busybox@sha256:0123"), "digest"));
    CHECK(mentions(image::check_reference("busybox:"), "tag"));
    CHECK(mentions(image::check_reference("busybox:a b"), "tag"));
    CHECK(mentions(image::check_reference("busybox:" + std::string(129, 'a')), "tag"));
    CHECK(mentions(image::check_reference("Busybox"), "lower-case"));
    CHECK(mentions(image::check_reference(""), "name"));
    CHECK(mentions(image::check_reference("host:/etc"), "nothing behind"));
    CHECK(mentions(image::check_reference("dir:"), "path"));
    CHECK(mentions(image::check_reference("oci:"), "behind the colon"));
    const TempTree tree;
    const std::string text =
        message_of([&] { image::resolve("example.com/nginx", image::Store(tree.path())); });
    CHECK(text ==
          "image example.com/nginx is not on this machine; pausa image pull example.com/nginx "
          "brings it");
  }

  TEST_CASE("an image comes from where its name says, a short name is not guessed") {
    CHECK(image::origin_of("example.com/a:1")->source == "docker://example.com/a:1");
    CHECK(image::origin_of("docker.io/nginx")->name == "docker.io/library/nginx:latest");
    CHECK(image::origin_of("oci:/x:v1")->source == "oci:/x:v1");
    // skopeo takes no tag beside a digest.
    const std::string digest = "@sha256:" + std::string(64, '1');
    CHECK(image::origin_of("example.com/a:1" + digest)->source ==
          "docker://example.com/a" + digest);
    CHECK(image::origin_of("example.com/a:1" + digest)->name == "example.com/a:1" + digest);
    CHECK_FALSE(image::origin_of("dir:/x"));
    CHECK_FALSE(image::origin_of("host:"));
    CHECK(mentions(message_of([] { (void)image::origin_of("no-such-name-at-all:3"); }),
                   "write image: docker.io/library/no-such-name-at-all:3"));
  }
}

TEST_SUITE("dir/unit") {
  TEST_CASE("a directory is its own only layer, with a shell if it has one") {
    const TempTree tree;
    tree.dir("plain");
    tree.link("shell/bin", "/usr/bin");  // absolute links stay inside
    tree.file("shell/usr/bin/sh", "");
    const image::Store store(tree.path() + "/data");
    const auto plain = image::resolve("dir:" + tree.path() + "/plain", store);
    CHECK(plain.layers == std::vector{tree.path() + "/plain"});
    CHECK(plain.config.cmd.empty());
    CHECK(plain.config.env.size() == 1);
    CHECK_FALSE(plain.host_root);
    const auto shell = image::resolve("dir:" + tree.path() + "/shell", store);
    CHECK(shell.config.cmd == std::vector<std::string>{"/bin/sh"});
    CHECK(store.contents().empty());  // nothing is made for it
  }

  TEST_CASE("what is not a directory, not absolute or the machine itself is refused") {
    const TempTree tree;
    tree.file("file", "");
    tree.link("machine", "/");
    const image::Store store(tree.path());
    const auto refused = [&](const std::string& image) {
      return message_of([&] { image::resolve(image, store); });
    };
    CHECK(mentions(refused("dir:" + tree.path() + "/file"), "Not a directory"));
    CHECK(mentions(refused("dir:" + tree.path() + "/none"), "No such file"));
    CHECK(mentions(refused("dir:rootfs"), "not absolute"));
    CHECK(mentions(refused("dir:/"), "host:"));
    CHECK(mentions(refused("dir:" + tree.path() + "/machine"), "host:"));
  }
}

TEST_SUITE("host/unit") {
  TEST_CASE("what other users may not read is hidden, and nothing else of /etc") {
    const TempTree tree;
    tree.file("etc/passwd", "");
    tree.file("etc/shadow", "");
    tree.file("etc/ssh/ssh_host_rsa_key", "");
    tree.file("etc/ssh/ssh_host_rsa_key.pub", "");
    tree.file("etc/ssl/private/key.pem", "");
    tree.file("etc/deep/er/and/er/secret", "");
    tree.file("root/.ssh/id", "");
    tree.file("home/ada/diary", "");
    tree.file("home/ben/diary", "");
    tree.file("var/lib/open/data", "");
    tree.file("var/lib/closed/data", "");
    tree.file("var/lib/ours/rootfs", "");
    tree.file("vault/gold", "");
    tree.file("proc/kcore", "");
    tree.link("etc/link", "/etc/shadow");
    const auto close = [&](const char* path, mode_t mode) {
      REQUIRE(::fchmodat(tree.fd(), path, mode, 0) == 0);
    };
    close("etc/shadow", 0640);
    close("etc/ssh/ssh_host_rsa_key", 0600);
    close("etc/ssl/private", 0710);
    close("etc/deep/er/and/er/secret", 0400);
    close("var/lib/closed", 0750);
    close("vault", 0700);
    close("proc", 0700);
    CHECK(image::paths_to_mask(tree.path(), {"/var/lib/ours", "/none"}) ==
          std::vector<std::string>{"/etc/deep/er/and/er/secret", "/etc/shadow",
                                   "/etc/ssh/ssh_host_rsa_key", "/etc/ssl/private", "/home/ada",
                                   "/home/ben", "/root", "/var/lib/closed", "/var/lib/ours",
                                   "/vault"});
  }

  TEST_CASE("nothing outside of the root is reached through links") {
    const TempTree tree;
    tree.file("outside/secret", "");
    REQUIRE(::fchmodat(tree.fd(), "outside/secret", 0600, 0) == 0);
    tree.link("machine/etc", "../outside");
    tree.link("machine/root", "../outside");
    tree.link("machine/home", "/../outside");
    CHECK(image::paths_to_mask(tree.path() + "/machine", {"/etc/secret"}).empty());
  }

  TEST_CASE("host: hides this machine's password hashes and our own store") {
    const TempTree tree;
    const auto host = image::resolve("host:", image::Store("/var/lib/pausa-test-no-such-store"));
    CHECK(host.host_root);
    CHECK(host.layers == std::vector<std::string>{"/"});
    const auto& masked = host.masked_paths;
    if (::faccessat(AT_FDCWD, "/etc/shadow", F_OK, 0) == 0)
      CHECK(std::find(masked.begin(), masked.end(), "/etc/shadow") != masked.end());
    for (const std::string& path : masked) {
      struct stat info {};
      CAPTURE(path);
      CHECK(::lstat(path.c_str(), &info) == 0);
      CHECK((S_ISDIR(info.st_mode) || S_ISREG(info.st_mode)));
    }
    const auto time = std::chrono::steady_clock::now();
    image::resolve("host:", image::Store(tree.path()));
    MESSAGE("host: resolved in " << std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now() - time)
                                        .count()
                                 << " us, " << masked.size() << " paths hidden");
  }
}

TEST_SUITE("busybox/unit" * doctest::skip(!have_busybox())) {
  TEST_CASE("the image is assembled once and then found") {
    const TempTree tree;
    const image::Store store(tree.path() + "/data");
    const auto before = std::chrono::steady_clock::now();
    const auto resolved = image::resolve("busybox:1.36", store);
    const auto between = std::chrono::steady_clock::now();
    const auto again = image::resolve("docker.io/library/busybox", store);
    const auto after = std::chrono::steady_clock::now();
    const auto us = [](auto time) {
      return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    };
    MESSAGE("busybox assembled in " << us(between - before) << " us, found in "
                                    << us(after - between) << " us");
    CHECK(again.layers == resolved.layers);
    CHECK(resolved.reference == "busybox:1.36");
    CHECK(resolved.config.cmd == std::vector<std::string>{"sh"});
    CHECK(store.contents() == resolved.layers);
    CHECK(mode_of(store.rootfs_dir()) == 0700);
    const std::string root = resolved.layers.at(0);
    CHECK(mode_of(root) == 0755);
    CHECK(mode_of(root + "/tmp") == 01777);
    CHECK(mode_of(root + "/root") == 0700);
    CHECK(mode_of(root + "/etc/passwd") == 0644);
    CHECK(mode_of(root + "/bin/busybox") == 0755);
    store.remove_all();
    CHECK(store.contents().empty());
    CHECK(sys::list_dir(tree.fd()) == std::vector<std::string>{"data"});
  }

  TEST_CASE("modes do not depend on the umask") {
    const TempTree tree;
    const mode_t before = ::umask(077);
    const auto resolved = image::resolve("busybox", image::Store(tree.path()));
    (void)::umask(before);
    CHECK(mode_of(resolved.layers.at(0)) == 0755);
    CHECK(mode_of(resolved.layers.at(0) + "/usr/bin") == 0755);
    CHECK(mode_of(resolved.layers.at(0) + "/etc/hosts") == 0644);
  }

  TEST_CASE("a shell and its tools run in it" * doctest::skip(::geteuid() != 0)) {
    const TempTree tree;
    const auto resolved = image::resolve("busybox", image::Store(tree.path()));
    const std::string& root = resolved.layers.at(0);
    CHECK(run_inside(root, "test \"$(echo one two | wc -w)\" -eq 2") == 0);
    CHECK(run_inside(root, "[ -x /usr/bin/wget ] && [ -x /sbin/ip ] && ls / >/dev/null") == 0);
    CHECK(run_inside(root, "test \"$(id -un)\" = root && test -w /tmp") == 0);
    CHECK(run_inside(root, "exit 7") == 7);
    CHECK(run_inside(root,
                     "for f in /bin/* /sbin/* /usr/bin/* /usr/sbin/*;"
                     " do [ -x \"$f\" ] || exit 1; done") == 0);
  }

  TEST_CASE("several assemblies at once give one image and leave nothing else") {
    const TempTree tree;
    const image::Store store(tree.path() + "/data");
    int gate[2];
    REQUIRE(::pipe(gate) == 0);
    std::vector<pid_t> children;
    for (int i = 0; i < 4; ++i) {
      const pid_t child = ::fork();
      REQUIRE(child >= 0);
      if (child == 0) {
        (void)::close(gate[1]);
        char byte = 0;
        (void)!::read(gate[0], &byte, 1);  // until the parent opens the gate for all
        try {
          const auto resolved = image::resolve("busybox", store);
          ::_exit(::access((resolved.layers.at(0) + "/usr/bin/wc").c_str(), X_OK) == 0 ? 0 : 1);
        } catch (...) {
          ::_exit(2);
        }
      }
      children.push_back(child);
    }
    (void)::close(gate[1]);
    (void)::close(gate[0]);
    for (const pid_t child : children) {
      int status = -1;
      REQUIRE(::waitpid(child, &status, 0) == child);
      CHECK(status == 0);
    }
    CHECK(store.contents().size() == 1);
  }

  TEST_CASE("what a killed assembly left is swept by the next, a living one's is not") {
    const TempTree tree;
    const image::Store store(tree.path());
    const sys::ProcessId self = sys::self_id();
    const std::string mine = "rootfs/.staging-" + std::to_string(self.pid) + "-" +
                             std::to_string(self.start_time) + "-99";
    tree.dir(mine + "/bin");
    tree.dir("rootfs/.staging-" + std::to_string(self.pid) + "-1-1/bin");  // an earlier process
    tree.dir("rootfs/.staging-nonsense/bin");
    const auto resolved = image::resolve("busybox", store);
    CHECK(store.contents() == std::vector{tree.path() + "/" + mine, resolved.layers.at(0)});
  }

  TEST_CASE("a busybox that needs libraries is refused with the way out") {
    const TempTree tree;
    const image::Store store(tree.path() + "/data");
    Elf64_Ehdr header{};
    std::copy_n(ELFMAG, SELFMAG, header.e_ident);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    Elf64_Phdr interpreter{};
    interpreter.p_type = PT_INTERP;
    std::string program(sizeof header + sizeof interpreter, '\0');
    std::memcpy(program.data(), &header, sizeof header);
    std::memcpy(program.data() + sizeof header, &interpreter, sizeof interpreter);
    tree.file("dynamic", program);
    const auto text = message_of([&] { image::assemble_busybox(store, tree.path() + "/dynamic"); });
    CHECK(mentions(text, "busybox-static"));
    tree.file("script", "#!/bin/sh\n");
    CHECK(mentions(message_of([&] { image::assemble_busybox(store, tree.path() + "/script"); }),
                   "statically"));
    CHECK(store.contents().empty());
  }
}
