#include "pod/http_check.hpp"

#include <doctest/doctest.h>

using namespace pausa::pod;
using Progress = HttpAnswer::Progress;

namespace {

HttpPlace place(const char* path = "/") {
  return {false, "127.0.0.1", 8080, path};
}

}  // namespace

TEST_SUITE("pod/http_check") {
  TEST_CASE("a request names its host and is not kept alive") {
    HttpCheck check;
    check.headers = {{"X-One", "1"}, {"X-Two", "a\r\nEvil: 1"}};
    CHECK(http_request(place("/healthz?a=b c"), check) ==
          "GET /healthz?a=b+c HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: kube-probe/1.36\r\n"
          "Accept: */*\r\nX-One: 1\r\nConnection: close\r\n\r\n");
  }

  TEST_CASE("headers of the manifest replace ours, empty ones take them away") {
    HttpCheck check;
    check.headers = {{"host", "example.org"}, {"user-agent", "me"}, {"accept", ""}};
    CHECK(http_request({true, "::1", 443, "/"}, check) ==
          "GET / HTTP/1.1\r\nhost: example.org\r\nuser-agent: me\r\nConnection: close\r\n\r\n");
    CHECK(url_of({true, "::1", 8443, "/x"}) == "https://[::1]:8443/x");
  }

  TEST_CASE("the head of an answer may come in pieces") {
    HttpAnswer answer;
    CHECK(answer.take("HTTP/1.1 30") == Progress::more);
    CHECK(answer.take("2 Found\r\nlocation:  /next \r\n\r") == Progress::more);
    CHECK(answer.take("\nbody") == Progress::done);
    CHECK(answer.status() == 302);
    CHECK(answer.location() == "/next");
    CHECK(answer.redirects());
  }

  TEST_CASE("interim answers are passed over, bare line feeds are taken") {
    HttpAnswer answer;
    CHECK(answer.take("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204\n\n") == Progress::done);
    CHECK(answer.status() == 204);
    CHECK_FALSE(answer.redirects());
  }

  TEST_CASE("what is no HTTP is malformed") {
    for (const char* text : {"SSH-2.0-x\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
                             "HTTP/1.1 20\r\n\r\n", "\r\n\r\n", "HTTP/2 200 OK\r\n\r\n"}) {
      HttpAnswer answer;
      CHECK_MESSAGE(answer.take(text) == Progress::malformed, text);
    }
    HttpAnswer endless;
    CHECK(endless.take("HTTP/1.1 200 OK\r\n" + std::string(70000, 'x')) == Progress::malformed);
  }

  TEST_CASE("redirects lead where their text says") {
    const struct {
      const char* from;
      const char* location;
      const char* to;
    } cases[] = {{"/a/b?q", "/c", "http://127.0.0.1:8080/c"},
                 {"/a/b?q", "c", "http://127.0.0.1:8080/a/c"},
                 {"/a/b?q", "?x", "http://127.0.0.1:8080/a/b?x"},
                 {"/a", "//other/", "http://other/"},
                 {"/a", "http://other:81", "http://other:81/"},
                 {"/a", "HTTPS://user@[::1]:8443/x#y", "https://[::1]:8443/x"},
                 {"/a", "https://127.0.0.1/z", "https://127.0.0.1/z"},
                 {"/a", "#top", "http://127.0.0.1:8080/a"}};
    for (const auto& one : cases) {
      const auto to = redirect(place(one.from), one.location);
      REQUIRE_MESSAGE(to, one.location);
      CHECK(url_of(*to) == one.to);
    }
    for (const char* bad : {"ftp://x/", "http://[::1/", "http://h:x/", "http:///p", "//h:0/"})
      CHECK_MESSAGE(!redirect(place(), bad), bad);
  }
}
