#include "cli/image_pulls.hpp"

#include "cli/size_text.hpp"
#include "image/pull.hpp"
#include "pod/node.hpp"
#include "supervisor/user_namespace.hpp"
#include "sys/error.hpp"
#include "sys/own_program.hpp"
#include "sys/path.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <map>
#include <set>

namespace pausa::cli {
namespace {

using pod::Node;

constexpr std::size_t most_at_once = 3;
constexpr int redraw_ms = 100;
constexpr std::size_t bar_width = 20;

// What a puller says, a line each: a letter and a text.
constexpr char says_folder = 'f';  // in which blobs grow
constexpr char says_layers = 'l';  // "DONE/ALL" of what is unpacked
constexpr char says_failure = 'e';

void say(int to, char what, const std::string& text) {
  std::string line = what + text;
  for (char& c : line)
    if (c == '\n') c = ' ';
  line += '\n';
  [[maybe_unused]] const auto told = ::write(to, line.data(), line.size());
}

void bring(const state::Store& store, const PullJob& job, int to) {
  const image::Library library(store.paths().root);
  image::PullRequest request;
  request.source = job.origin.source;
  request.name = job.origin.name;
  request.unpacker = sys::helper_path("pausa-unpack");
  request.verify_tls = job.tls_verify;
  request.host_root = job.host_root;
  request.fetching = [to](const std::string& folder) { say(to, says_folder, folder); };
  request.unpacking = [to](std::size_t done, std::size_t all) {
    say(to, says_layers, std::to_string(done) + "/" + std::to_string(all));
  };
  std::string refusals;
  for (std::size_t i = 0; i <= job.logins.size(); ++i) {
    request.login = i < job.logins.size() ? job.logins[i] : "";
    try {
      // Files of an image belong to many ids.
      supervisor::with_subordinate_ids([&] { image::pull(library, request); });
      return;
    } catch (const sys::Error& error) {
      const std::string why = error.what();
      if (refusals.find(why) == std::string::npos)
        refusals += (refusals.empty() ? "" : "; with another login: ") + why;
    }
  }
  throw sys::Error("image " + job.origin.name + ": " + refusals);
}

struct Running {
  std::size_t job = 0;
  pid_t pid = -1;
  sys::UniqueFd words;
  std::string unread;
  std::string folder;
  std::string layers;
  std::map<std::string, std::uint64_t> growing;
  std::uint64_t fetched = 0;  // of blobs that are whole
  std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();

  std::uint64_t bytes() const {
    std::uint64_t sum = fetched;
    for (const auto& [name, size] : growing) sum += size;
    return sum;
  }
};

// skopeo writes each blob into a file of the folder until it is whole.
void measure(Running& pull) {
  if (pull.folder.empty()) return;
  std::map<std::string, std::uint64_t> now;
  if (const auto folder = sys::try_open_at(AT_FDCWD, pull.folder, O_RDONLY | O_DIRECTORY))
    for (const auto& name : sys::list_dir(folder.get())) {
      struct ::stat info {};
      if (::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISREG(info.st_mode))
        now[name] = static_cast<std::uint64_t>(info.st_size);
    }
  for (const auto& [name, size] : pull.growing)
    if (!now.contains(name)) pull.fetched += size;
  pull.growing = std::move(now);
}

Running begin(const state::Store& store, const std::vector<PullJob>& jobs, std::size_t index) {
  int ends[2];
  sys::check(::pipe2(ends, O_CLOEXEC), "make a pipe");
  Running pull;
  pull.job = index;
  pull.words = sys::UniqueFd(ends[0]);
  sys::UniqueFd theirs(ends[1]);
  std::cout.flush();
  std::cerr.flush();
  const pid_t maker = ::getpid();
  pull.pid = sys::check(::fork(), "start a process that pulls");
  if (pull.pid > 0) return pull;
  (void)::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != maker) ::_exit(1);
  try {
    bring(store, jobs[index], theirs.get());
  } catch (const std::exception& error) {
    say(theirs.get(), says_failure, error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

std::string last_part(const std::string& name) {
  return name.size() <= 50 ? name : "…" + name.substr(name.size() - 49);
}

class Screen {
 public:
  Screen(PullProgress style, const std::vector<PullJob>& jobs) : style_(style), jobs_(jobs) {}

  void begun(const Running& pull) {
    if (style_ == PullProgress::plain)
      std::cerr << "pausa: pulling " << name(pull) << std::endl;
    else
      tell(pull, "pulling");
  }
  void goes_on(const std::vector<Running>& pulls) {
    if (style_ == PullProgress::json)
      for (const auto& pull : pulls) tell(pull, pull.layers.empty() ? "pulling" : "unpacking");
    if (style_ != PullProgress::bars) return;
    wipe();
    for (const auto& pull : pulls) std::cerr << line(pull) << "\n";
    std::cerr.flush();
    drawn_ = pulls.size();
  }
  void ended(const Running& pull, const std::string& failure) {
    const auto took = std::chrono::steady_clock::now() - pull.begin;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    wipe();
    if (failure.empty() && (style_ == PullProgress::plain || style_ == PullProgress::bars))
      std::cerr << "pausa: pulled " << name(pull) << " in " << ms / 1000 << "." << ms / 100 % 10
                << " s" << std::endl;
    tell(pull, failure.empty() ? "pulled" : "failed", failure);
  }

 private:
  const std::string& name(const Running& pull) const { return jobs_[pull.job].origin.name; }

  void wipe() {
    for (; drawn_ > 0; --drawn_) std::cerr << "\x1b[A\x1b[2K";
    std::cerr << std::flush;
  }
  std::string line(const Running& pull) const {
    std::string text = "pulling " + last_part(name(pull)) + "  ";
    if (pull.layers.empty()) return text + short_size(pull.bytes());
    const auto done = std::stoul(pull.layers);
    const auto all = std::max(1UL, std::stoul(pull.layers.substr(pull.layers.find('/') + 1)));
    const std::size_t full = bar_width * done / all;
    return text + "unpacking [" + std::string(full, '#') + std::string(bar_width - full, '.') +
           "] " + pull.layers + " layers";
  }
  void tell(const Running& pull, const char* status, const std::string& failure = "") {
    if (style_ != PullProgress::json) return;
    Node node = Node::make_map();
    node.set("image", Node::make_string(name(pull)));
    node.set("status", Node::make_string(status));
    node.set("bytes", Node::make_integer(static_cast<std::int64_t>(pull.bytes())));
    if (!pull.layers.empty()) node.set("layers", Node::make_string(pull.layers));
    if (!failure.empty()) node.set("error", Node::make_string(failure));
    std::cerr << pod::to_json(node) << std::endl;
  }

  PullProgress style_;
  const std::vector<PullJob>& jobs_;
  std::size_t drawn_ = 0;
};

// Reads what the puller has said; false at its end.
bool hear(Running& pull, std::string& failure) {
  char buffer[4096];
  const ssize_t got = ::read(pull.words.get(), buffer, sizeof buffer);
  if (got < 0) return errno == EINTR;
  pull.unread.append(buffer, static_cast<std::size_t>(got));
  for (auto end = pull.unread.find('\n'); end != std::string::npos; end = pull.unread.find('\n')) {
    const std::string text = pull.unread.substr(1, end - 1);
    switch (pull.unread.front()) {
      case says_folder:
        pull.folder = text;
        break;
      case says_layers:
        pull.layers = text;
        break;
      default:
        failure = text;
    }
    pull.unread.erase(0, end + 1);
  }
  return got > 0;
}

void reap(const Running& pull, std::string& failure) {
  int status = 0;
  while (::waitpid(pull.pid, &status, 0) < 0 && errno == EINTR) continue;
  if (status != 0 && failure.empty()) failure = "the process that pulled it was killed";
}

}  // namespace

PullProgress pull_progress(const Options& options) {
  const auto word = options.get("progress").value_or("auto");
  if (word != "auto" && word != "plain" && word != "json" && word != "none")
    throw UsageError("--progress: \"" + word + "\" is neither auto nor plain nor json nor none");
  if (word == "none" || options.has("quiet")) return PullProgress::none;
  if (word == "json") return PullProgress::json;
  return word == "auto" && ::isatty(STDERR_FILENO) == 1 ? PullProgress::bars : PullProgress::plain;
}

std::vector<std::string> run_pulls(const state::Store& store, const std::vector<PullJob>& jobs,
                                   PullProgress style) {
  std::vector<std::string> failures(jobs.size());
  std::vector<Running> running;
  Screen screen(style, jobs);
  bool failed = false;
  const bool ticks = style == PullProgress::bars || style == PullProgress::json;
  for (std::size_t next = 0; next < jobs.size() || !running.empty();) {
    if (failed && running.empty()) break;
    if (!failed && next < jobs.size() && running.size() < most_at_once) {
      running.push_back(begin(store, jobs, next++));
      screen.begun(running.back());
      continue;
    }
    std::vector<pollfd> ready;
    for (const auto& pull : running) ready.push_back({pull.words.get(), POLLIN, 0});
    const int count = ::poll(ready.data(), ready.size(), ticks ? redraw_ms : -1);
    if (count < 0 && errno != EINTR) sys::check(-1, "wait for pulls");
    for (std::size_t i = running.size(); count > 0 && i-- > 0;) {
      auto& pull = running[i];
      if (ready[i].revents == 0 || hear(pull, failures[pull.job])) continue;
      reap(pull, failures[pull.job]);
      failed = failed || (!failures[pull.job].empty() && !jobs[pull.job].may_fail);
      screen.ended(pull, failures[pull.job]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (!ticks || count != 0) continue;
    for (auto& pull : running) measure(pull);
    screen.goes_on(running);
  }
  return failures;
}

}  // namespace pausa::cli
