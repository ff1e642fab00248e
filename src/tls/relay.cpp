// pausa-tls [NAME]: the TLS of a check. stdin is a socket to the supervisor, which talks plainly;
// stdout is a connected socket to the server; on stderr goes, in Go's words (those of a kubelet),
// why it does not work. NAME: the server's, told in the handshake. The server's certificate is not
// verified: a check asks whether it is there, not who it is. Ends when one side does; the deadline
// is the supervisor's, which kills us.
#include "tls/confine.hpp"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace pausa::tls {
namespace {

constexpr int plain = STDIN_FILENO;
constexpr int server = STDOUT_FILENO;

// The server's first bytes: one that knows no TLS often says so in HTTP.
struct Beginning {
  std::array<char, 5> bytes{};
  std::size_t size = 0;
  bool is_http() const { return std::string_view(bytes.data(), size) == "HTTP/"; }
};
Beginning beginning;

long note_beginning(BIO* /*bio*/, int operation, const char* bytes, std::size_t /*asked*/,
                    int /*number*/, long /*more*/, int result, std::size_t* done) {
  if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0 && done != nullptr)
    for (std::size_t i = 0; i < *done && beginning.size < beginning.bytes.size(); ++i)
      beginning.bytes[beginning.size++] = bytes[i];
  return result;
}

[[noreturn]] void fail(std::string_view why) {
  (void)!::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(1);
}

std::string_view error_text(int error) {
  const char* text = ::strerrordesc_np(error);
  return text == nullptr ? "unknown error" : text;
}

// result: of the call that failed.
[[noreturn]] void fail(SSL* tls, int result) {
  const int system_error = errno;
  const int kind = SSL_get_error(tls, result);
  const unsigned long error = ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (kind == SSL_ERROR_SYSCALL && error == 0)
    fail(system_error == 0 ? "EOF" : "read tcp: " + std::string(error_text(system_error)));
  if (kind == SSL_ERROR_ZERO_RETURN || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) fail("EOF");
  if (reason > SSL_AD_REASON_OFFSET)
    fail(std::string("remote error: tls: ") +
         SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET));
  if (beginning.is_http()) fail("http: server gave HTTP response to HTTPS client");
  if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)
    fail("tls: first record does not look like a TLS handshake");
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL)
    fail("tls: server selected unsupported protocol version");
  const char* text = ERR_reason_error_string(error);
  fail(std::string("tls: ") + (text == nullptr ? "handshake failure" : text));
}

short wish_of(SSL* tls, int result) {
  switch (SSL_get_error(tls, result)) {
    case SSL_ERROR_WANT_READ:
      return POLLIN;
    case SSL_ERROR_WANT_WRITE:
      return POLLOUT;
    default:
      return 0;
  }
}

void wait(short of_server, short of_plain) {
  std::array<pollfd, 2> ready{{{server, of_server, 0}, {plain, of_plain, 0}}};
  while (::poll(ready.data(), ready.size(), -1) < 0 && errno == EINTR) {}
  // Nobody is left to tell.
  if ((ready[1].revents & (POLLHUP | POLLERR)) != 0) ::_exit(0);
}

void shake_hands(SSL* tls) {
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int result = SSL_connect(tls);
    if (result == 1) return;
    const short wish = wish_of(tls, result);
    if (wish == 0) fail(tls, result);
    wait(wish, 0);
  }
}

// One direction's bytes that are under way.
struct Buffer {
  std::array<char, 16384> bytes;
  std::size_t at = 0, end = 0;
  bool empty() const { return at == end; }
};

void relay(SSL* tls) {
  const auto in = std::make_unique<Buffer>();
  const auto out = std::make_unique<Buffer>();
  for (;;) {
    short of_server = 0;
    short of_plain = 0;
    ERR_clear_error();
    errno = 0;
    if (in->empty()) {
      const int got = SSL_read(tls, in->bytes.data(), static_cast<int>(in->bytes.size()));
      if (got > 0) {
        in->at = 0;
        in->end = static_cast<std::size_t>(got);
      } else if (const short wish = wish_of(tls, got); wish != 0) {
        of_server = static_cast<short>(of_server | wish);
      } else if (SSL_get_error(tls, got) == SSL_ERROR_ZERO_RETURN) {
        return;
      } else {
        fail(tls, got);
      }
    }
    if (!in->empty()) {
      const ssize_t put = ::send(plain, in->bytes.data() + in->at, in->end - in->at, MSG_NOSIGNAL);
      if (put < 0 && errno != EAGAIN) return;
      if (put > 0) in->at += static_cast<std::size_t>(put);
      if (put > 0) continue;
      of_plain = static_cast<short>(of_plain | POLLOUT);
    }
    if (out->empty()) {
      const ssize_t got = ::recv(plain, out->bytes.data(), out->bytes.size(), 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return;
      if (got > 0) {
        out->at = 0;
        out->end = static_cast<std::size_t>(got);
      } else {
        of_plain = static_cast<short>(of_plain | POLLIN);
      }
    }
    if (!out->empty()) {
      const int put =
          SSL_write(tls, out->bytes.data() + out->at, static_cast<int>(out->end - out->at));
      if (put > 0) {
        out->at += static_cast<std::size_t>(put);
        continue;
      }
      const short wish = wish_of(tls, put);
      if (wish == 0) fail(tls, put);
      of_server = static_cast<short>(of_server | wish);
    }
    wait(of_server, of_plain);
  }
}

void set_up_sockets() {
  (void)::signal(SIGPIPE, SIG_IGN);
  for (const int fd : {plain, server}) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) fail("tls: no socket");
  }
}

int run(const char* name) {
  (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  set_up_sockets();
  // Nothing of the host decides about this: no configuration, no certificates.
  (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) fail("tls: out of memory");
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, 0);  // a short key is as good as none for a check
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL* tls = SSL_new(context);
  if (tls == nullptr || SSL_set_fd(tls, server) != 1) fail("tls: out of memory");
  BIO_set_callback_ex(SSL_get_rbio(tls), note_beginning);
  if (name != nullptr) (void)SSL_set_tlsext_host_name(tls, name);
  if (!confine()) fail("tls: the relay cannot be confined");
  shake_hands(tls);
  relay(tls);
  // What is left is the kernel's to free.
  ::_exit(0);
}

}  // namespace
}  // namespace pausa::tls

int main(int argc, char** argv) {
  return pausa::tls::run(argc > 1 ? argv[1] : nullptr);
}
