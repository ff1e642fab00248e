// The supervisor's part that outlives it: log streams and what infra keeps for the next one.
#include "log/layout.hpp"
#include "log/pipe.hpp"
#include "supervisor/kept.hpp"
#include "supervisor/last_words.hpp"
#include "supervisor/member_key.hpp"
#include "supervisor/supervisor.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace pausa::supervisor {
namespace {

using Stage = pod::ContainerState::Stage;

sys::UniqueFd make_pipe(sys::UniqueFd& write_end) {
  int fds[2];
  sys::check(::pipe2(fds, O_CLOEXEC), "make a log pipe");
  sys::UniqueFd read_end(fds[0]);
  write_end.reset(fds[1]);
  sys::check(::fcntl(fds[0], F_SETFL, O_NONBLOCK), "set up a log pipe");
  return read_end;
}

}  // namespace

// stdin: true without anybody attached: a pipe that has no end and no data. Infra keeps the writing
// end; without it the container would read the end of the file.
sys::UniqueFd Supervisor::open_stdin(std::size_t index) {
  if (!containers_[index].spec->stdin_open) return sys::UniqueFd();
  const auto launches = record_.state.containers[index].launches;
  int fds[2];
  sys::check(::pipe2(fds, O_CLOEXEC), "make the pipe for stdin");
  sys::UniqueFd read_end(fds[0]);
  const sys::UniqueFd write_end(fds[1]);
  if (launches > 1) (void)sandbox_->client.drop_fd(encode({launches - 1, index, Kept::in}));
  sandbox_->client.put_fd(encode({launches, index, Kept::in}), write_end.get());
  return read_end;
}

void Supervisor::open_streams(std::size_t index, sys::UniqueFd& out_end, sys::UniqueFd& err_end) {
  const auto launches = record_.state.containers[index].launches;
  auto& container = containers_[index];
  sys::UniqueFd out = make_pipe(out_end);
  sys::UniqueFd err = make_pipe(err_end);
  const auto out_key = encode({launches, index, Kept::out});
  const auto err_key = encode({launches, index, Kept::err});
  sandbox_->client.put_fd(out_key, out.get());
  sandbox_->client.put_fd(err_key, err.get());
  const sys::UniqueFd dir =
      log::create_instance(logs_dir_.get(), record_.containers[index].name, launches - 1);
  container.out = make_stream(dir.get(), log::Stream::out, std::move(out), false, out_key);
  container.err = make_stream(dir.get(), log::Stream::err, std::move(err), false, err_key);
}

void Supervisor::open_terminal(std::size_t index, sys::UniqueFd terminal) {
  const auto launches = record_.state.containers[index].launches;
  const auto key = encode({launches, index, Kept::terminal});
  sandbox_->client.put_fd(key, terminal.get());
  const sys::UniqueFd dir =
      log::create_instance(logs_dir_.get(), record_.containers[index].name, launches - 1);
  containers_[index].out = make_stream(dir.get(), log::Stream::out, std::move(terminal), true, key);
}

std::unique_ptr<LogStream> Supervisor::make_stream(int log_dir, log::Stream stream,
                                                   sys::UniqueFd source, bool terminal,
                                                   std::uint64_t key) {
  return std::make_unique<LogStream>(
      io_, log_dir, stream, std::move(source), terminal, [this, key] {
        boost::asio::post(io_, [this, key] {
          if (sandbox_) (void)sandbox_->client.drop_fd(key);
          std::erase_if(old_streams_, [](const auto& stream_of) { return stream_of->ended(); });
        });
      });
}

// The streams of an instance that ended: its descendants may still hold them open.
void Supervisor::retire_streams(std::size_t index) {
  for (auto* stream : {&containers_[index].out, &containers_[index].err}) {
    if (*stream && !(*stream)->drain_now()) old_streams_.push_back(std::move(*stream));
    stream->reset();
  }
}

// Why the container ended, in its own words.
std::string Supervisor::last_words(std::size_t index, bool failed) const {
  const auto& container = containers_[index];
  const auto& entry = record_.containers[index];
  try {
    std::string message = read_message_file(data_dir_ + "/" + entry.rootfs);
    if (!message.empty() || !failed || !container.spec->message_from_logs) return message;
    const auto launches = record_.state.containers[index].launches;
    const sys::UniqueFd dir = log::open_instance(logs_dir_.get(), entry.name, launches - 1);
    return end_of_log(dir.get());
  } catch (const sys::Error&) {
    return {};  // the container has ended all the same
  }
}

void Supervisor::drain_streams() {
  for (auto& container : containers_) {
    if (container.out) (void)container.out->drain_now();
    if (container.err) (void)container.err->drain_now();
  }
  for (const auto& stream : old_streams_) (void)stream->drain_now();
}

// Nothing of the pod runs or ever ran: the `up` that began it was killed.
bool Supervisor::cut_off() const {
  const auto& state = record_.state;
  return !state.finished && !state.sandbox_ready && !sys::alive(record_.infra) &&
         std::all_of(state.containers.begin(), state.containers.end(),
                     [](const auto& container) { return container.launches == 0; });
}

// Goes on where a killed supervisor was: descriptors and exits from infra, the rest from the
// record.
void Supervisor::adopt_members() {
  if (host_.cgroups.tracks() && !record_.cgroup.empty()) {
    pod_group_ = host_.cgroups.open(record_.cgroup);
    infra_group_ = host_.cgroups.open(record_.cgroup + "/infra");
    for (std::size_t i = 0; i < containers_.size(); ++i)
      containers_[i].group = host_.cgroups.open(record_.cgroup_of(record_.containers[i]));
  }
  sandbox_ = find_pod_sandbox(record_.infra, run_dir_.get());
  if (!sandbox_) {
    record_.infra = {};
    for (auto& entry : record_.containers) entry.process = {};
    if (record_.state.finished) {
      tear_down();
    } else if (cut_off()) {
      // The whole pod or nothing.
      record_.desired = state::Desired::removed;
      record_.state.finished = true;
      tear_down();
    } else {
      // It died unseen, or while it was built anew.
      feed(pod::event::SandboxDied{wall_now()});
    }
    return;
  }
  for (const auto key : sandbox_->client.list_fds()) {
    const auto [launches, index, kind] = decode(key);
    if (index >= containers_.size() || kind == Kept::port || kind >= Kept::user_network) continue;
    auto fd = sandbox_->client.get_fd(key);
    if (!fd) continue;
    const bool current = launches == record_.state.containers[index].launches;
    auto& container = containers_[index];
    if (kind != Kept::out && kind != Kept::err && kind != Kept::terminal) continue;
    sys::UniqueFd dir;
    try {
      dir = log::open_instance(logs_dir_.get(), record_.containers[index].name, launches - 1);
    } catch (const sys::Error& error) {
      if (error.err() != ENOENT) throw;
      (void)sandbox_->client.drop_fd(key);  // its log has made room for those of later instances
      continue;
    }
    auto stream = make_stream(dir.get(), kind == Kept::err ? log::Stream::err : log::Stream::out,
                              std::move(*fd), kind == Kept::terminal, key);
    if (!current)
      old_streams_.push_back(std::move(stream));
    else
      (kind == Kept::err ? container.err : container.out) = std::move(stream);
  }
  watch_sandbox();
  if (record_.network.mode == state::NetworkRecord::Mode::user)
    user_network_ = kept_user_network(sandbox_->client);
  try {
    if (const auto request = attach_request(charge_.store.paths(), record_, user_network_,
                                            sandbox_->id.pid, sandbox_->pidfd.get());
        request && request->network < 0 && !net::is_attached(*request))
      net::Attachment(*request).finish();
  } catch (const sys::Error& error) {
    events_.add(true, "FailedNetwork", "", error.what());
  }
  ports_.adopt(charge_.pod.spec, sandbox_->client);
  ports_.listen(charge_.pod.spec, charge_.store);
  publish_ports();
  listen_for_names();
  if (!record_.state.sandbox) {
    // The last supervisor died between making infra and saying so in its life cycle.
    feed(pod::event::SandboxUp{wall_now()});
    return;
  }
  std::vector<std::size_t> unborn;
  std::vector<std::size_t> unpulled;  // their pulls died with the last supervisor
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const auto stage = record_.state.containers[i].stage;
    if (stage != Stage::running && stage != Stage::starting) continue;
    auto& entry = record_.containers[i];
    if (stage == Stage::starting && entry.process.pid == 0 &&
        record_.state.containers[i].ending == pod::ContainerState::Ending::no && !has_images(i)) {
      unpulled.push_back(i);
      continue;
    }
    const auto found = sandbox_->client.table().find({entry.slot, entry.generation});
    if (auto pidfd = sys::open_process(entry.process)) {
      containers_[i].pidfd = std::move(*pidfd);
      if (charge_.pod.spec.host_pid) watch_own_child(i);
      if (stage == Stage::starting) feed(pod::event::Started{i, wall_now()});
    }
    if (charge_.pod.spec.host_pid) {
      if (!containers_[i].pidfd) unborn.push_back(i);
    } else if (entry.process.pid == 0 || !found) {
      // It never was told to go, or nobody knows how it ended.
      unborn.push_back(i);
    } else if (found->exited) {
      if (stage == Stage::starting && !containers_[i].pidfd)
        feed(pod::event::Started{i, wall_now()});
      on_exit(i, found->member);
    }
  }
  for (const auto i : unborn) {
    if (containers_[i].group) (void)containers_[i].group->kill();
    feed(pod::event::StartFailed{i, "ContainerStatusUnknown",
                                 "the supervisor was killed while the container started", 137,
                                 wall_now()});
  }
  // Those that the last supervisor had written, too, and had no time to let go.
  std::vector<infra::Registration> known;
  for (const auto& entry : sandbox_->client.table().entries()) {
    const auto i = container_index(entry.member.key);
    if (!entry.exited || i >= containers_.size()) continue;
    const auto& state = record_.state.containers[i];
    const bool news = entry.member.key == member_key(i, state.launches) &&
                      (state.stage == Stage::running || state.stage == Stage::starting);
    if (!news) known.push_back(entry.member.registration);
  }
  let_forget(known);
  start_containers(unpulled);
  feed(pod::event::Resume{});
  if (record_.desired != state::Desired::running && !record_.state.finished)
    stop_pod(std::chrono::nanoseconds(charge_.pod.spec.termination_grace_period));
}

}  // namespace pausa::supervisor
