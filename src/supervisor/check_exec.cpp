#include "supervisor/check_exec.hpp"

#include "pod/duration.hpp"
#include "sys/error.hpp"
#include "sys/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <boost/asio/post.hpp>

#include <array>

namespace pausa::supervisor {
namespace {

// Of what the command writes; the rest is read and dropped, so that it does not block.
constexpr std::size_t most_output = 1024;

}  // namespace

OutputPipe OutputPipe::make() {
  int fds[2];
  sys::check(::pipe2(fds, O_CLOEXEC), "make a pipe");
  OutputPipe pipe{sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
  sys::check(::fcntl(fds[0], F_SETFL, O_NONBLOCK), "set up a pipe");
  return pipe;
}

ExecCheck::ExecCheck(boost::asio::io_context& io, Member member, OutputPipe output, ExecPlace place,
                     CheckDone done)
    : io_(io),
      member_(std::move(member)),
      place_(std::move(place)),
      done_(std::move(done)),
      timer_(io),
      launch_(std::make_unique<launch::Launch>(std::move(member_.plan),
                                               place_.group ? place_.group->clone_fd() : -1)),
      output_(std::move(output.read_end)) {
  output.write_end.reset();
  launch_watch_ = std::make_unique<FdWatch>(io_, launch_->fd());
  launch_watch_->wait([this] { on_launch(); });
  output_watch_ = std::make_unique<FdWatch>(io_, output_.get());
  output_watch_->wait([this] { on_output(); });
  if (place_.timeout.count() == 0) return;
  timer_.expires_after(place_.timeout);
  timer_.async_wait([this, alive = alive_](const boost::system::error_code& error) {
    if (*alive && !error) on_timeout();
  });
}

ExecCheck::~ExecCheck() {
  *alive_ = false;
  if (done_) kill();
}

void ExecCheck::on_launch() {
  using Stage = launch::Launch::Stage;
  if (!launch_) return;
  try {
    switch (launch_->advance()) {
      case Stage::setting_up:
        break;
      case Stage::ready:
        if (!pidfd_) {
          pidfd_ = launch_->take_pidfd();
          if (place_.infra == nullptr) {
            pidfd_watch_ = std::make_unique<FdWatch>(io_, pidfd_.get());
            pidfd_watch_->wait([this] { on_own_child(); });
          } else if (!place_.infra->register_member(launch_->pod_pid(), place_.key, true)) {
            return finish({false, false, "the command was killed while it was set up"});
          }
          launch_->go();
        }
        break;
      case Stage::started:
        launch_watch_.reset();
        launch_.reset();
        return;
      case Stage::failed:
        return finish({false, false, launch_->failure().message});
    }
    launch_watch_->wait([this] { on_launch(); });
  } catch (const sys::Error& error) {
    finish({false, false, error.what()});
  }
}

void ExecCheck::on_own_child() {
  int code = 255;
  try {
    code = sys::reap(pidfd_.get()).shell_code();
  } catch (const sys::Error&) {
    // An earlier supervisor's: nobody knows.
  }
  on_end(code);
}

void ExecCheck::on_output() {
  std::array<char, 4096> buffer;
  for (;;) {
    const ssize_t got = ::read(output_.get(), buffer.data(), buffer.size());
    if (got == 0) {
      output_watch_.reset();
      return;
    }
    if (got < 0) break;
    if (said_.size() < most_output)
      said_.append(buffer.data(),
                   std::min(static_cast<std::size_t>(got), most_output - said_.size()));
  }
  output_watch_->wait([this] { on_output(); });
}

bool ExecCheck::take_exit(const infra::Exit& exit) {
  if (place_.infra == nullptr || exit.key != place_.key) return false;
  // It may have ended before we heard that it had begun, and then perhaps it never did.
  if (launch_) {
    (void)launch_->wait_beyond(launch::Launch::Stage::ready, std::chrono::seconds(1));
    on_launch();
  }
  on_end(exit.status.shell_code());
  return true;
}

void ExecCheck::on_end(int code) {
  pidfd_.reset();
  pidfd_watch_.reset();
  if (output_watch_) on_output();
  while (!said_.empty() && said_.back() == '\n') said_.pop_back();
  if (code == 0) return finish({true, false, {}});
  finish({false, false,
          said_.empty() ? "the command ended with exit code " + std::to_string(code) : said_});
}

void ExecCheck::on_timeout() {
  finish({false, false,
          "command timed out: \"" + place_.shown + "\" timed out after " +
              pod::duration_text(place_.timeout)});
}

// With all that it has started.
void ExecCheck::kill() noexcept {
  if (place_.group) (void)place_.group->kill();
  try {
    if (pidfd_) (void)sys::send_signal(pidfd_.get(), SIGKILL);
  } catch (const sys::Error&) {
    // It is gone, or will be with the container.
  }
}

// Called from what this object owns: it goes on to live until the loop comes round.
void ExecCheck::finish(CheckResult result) {
  if (!done_) return;
  if (!result.success) kill();
  timer_.cancel();
  boost::asio::post(
      io_, [alive = alive_, done = std::exchange(done_, nullptr), result = std::move(result)] {
        if (*alive) done(result);
      });
}

}  // namespace pausa::supervisor
