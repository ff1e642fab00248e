#include "supervisor/supervisor.hpp"

#include "pod/oom.hpp"
#include "supervisor/trim.hpp"
#include "supervisor/user_namespace.hpp"
#include "supervisor/wall_clock.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace pausa::supervisor {
namespace {

// Nothing to do for so long: the memory that the work took can go.
constexpr std::chrono::milliseconds settling_time(20);

// What a pod that is started again keeps: its containers have run before, and their logs go on.
pod::PodState begin(pod::PodState fresh, pod::PodState& before) {
  for (std::size_t i = 0; i < std::min(fresh.containers.size(), before.containers.size()); ++i) {
    auto& container = fresh.containers[i];
    auto& old = before.containers[i];
    container.launches = old.launches;
    container.restart_count = old.restart_count;
    container.last = old.terminated ? std::move(old.terminated) : std::move(old.last);
  }
  return fresh;
}

// Who keeps the pod goes after all its members (who get scores of their own). Without
// CAP_SYS_RESOURCE it stays where it is.
void protect_from_oom() {
  const sys::UniqueFd file =
      sys::try_open_at(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  const std::string score = std::to_string(pod::keeper_oom_score);
  if (file) (void)!::write(file.get(), score.data(), score.size());
}

// A container takes a dozen, a connection to a published port two. What members may have is set by
// their own limits.
void allow_many_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max) return;
  constexpr rlim_t plenty = 65536;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min(limit.rlim_max, plenty));
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // with fewer, connections wait in the backlog
}

}  // namespace

Supervisor::Supervisor(Charge charge, Host host, Starter starter)
    : charge_(std::move(charge)),
      host_(std::move(host)),
      starter_(std::move(starter)),
      lifecycle_(charge_.pod.spec, charge_.record.backoff, charge_.record.exact_probes),
      record_(charge_.record),
      events_(charge_.store, charge_.record.key),
      run_dir_path_(charge_.store.paths().run_dir(record_.key)),
      data_dir_(charge_.store.paths().data_dir(record_.key)),
      run_dir_(sys::open_dir(run_dir_path_)),
      logs_dir_(sys::make_dirs_at(AT_FDCWD, data_dir_ + "/logs", 0700)),
      timer_(io_),
      settled_(io_) {
  containers_.resize(record_.containers.size());
  adopt_spec();
  record_.supervisor = sys::self_id();
  protect_from_oom();
  allow_many_descriptors();
  record_.guard = sys::identify(::getppid());
}

void Supervisor::adopt_spec() {
  point_at_spec();
  for (auto& container : containers_) container.checks.reset();  // they borrow from the spec
}

void Supervisor::point_at_spec() {
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    containers_[i].spec = &pod::container_at(charge_.pod.spec, i);
    containers_[i].image = &charge_.images[i];
  }
}

void Supervisor::run_new() {
  record_.state = begin(lifecycle_.initial(), record_.state);
  save();
  events_.add(false, "Created", "", "pod " + record_.key.name);
  try {
    user_network_ = std::move(charge_.user_network);
    enter_user_namespace(host_, -1, user_network_.network.get());
    require_mapped_ids(charge_.pod.spec, mapped_ids(host_, record_));
    build_sandbox();
  } catch (const sys::Error& error) {
    starter_.fail(error.what());
    record_.desired = charge_.again ? state::Desired::stopped : state::Desired::removed;
    record_.state.finished = true;
    tear_down();
    return;
  }
  failed_before_ = charge_.again;
  live([this] { loop(); });
}

void Supervisor::run_adopted() {
  // Nobody is to take for a supervised pod what is removed at once.
  if (!cut_off()) save();
  const auto infra = sys::open_process(record_.infra);
  std::string note;
  // With infra the pod has lost what it kept; otherwise adopt_members() gets it from there.
  if (!infra) user_network_ = join_again(charge_.store, record_, note);
  enter_user_namespace(host_, infra ? infra->get() : -1, user_network_.network.get());
  failed_before_ = charge_.store.read_failure(record_.key).has_value();
  live([this] {
    adopt_members();
    loop();
  });
}

// What fails (infra does not answer, say) is for the next supervisor to try again. But a pod that
// is to end does.
void Supervisor::live(const std::function<void()>& life) {
  try {
    life();
  } catch (const sys::Error& error) {
    if (record_.desired == state::Desired::running || over_) throw;
    events_.add(true, "FailedKillPod", "", std::string(error.what()) + "; killing what is left");
    stop_pod(std::chrono::nanoseconds(0));
    end_sandbox();
    loop();
  }
}

void Supervisor::loop() {
  if (over_) return;
  if (!control_)
    control_ = std::make_unique<ControlServer>(
        io_, run_dir_.get(), [this](const control::Request& request, ControlServer::Answer answer) {
          on_control(request, std::move(answer));
        });
  serve_node_ports(false);
  schedule();
  settle();
  watch_storage();
  while (!over_) {
    if (calm_ && io_.poll_one() == 0) {
      if (std::exchange(failed_before_, false)) charge_.store.write_failure(record_.key, "");
      rest();
      trim_memory();  // the last thing before it sleeps, so that little is touched again
      calm_ = false;
      if (io_.run_one() == 0) io_.restart();
    } else if (!calm_ && io_.run_one() == 0) {
      io_.restart();
    }
    if (sandbox_ && sandbox_->client.has_read_exits()) take_exits();
    const bool routine = std::exchange(routine_, false) || probing();
    if (!routine || unsaved_) settle();
    if (unsaved_) save();
    events_.flush();
  }
}

pod::Time Supervisor::now() {
  timespec now{};
  (void)::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

void Supervisor::feed(const pod::Event& event) {
  const auto actions = lifecycle_.handle(record_.state, event, now());
  // Of a tick the actions tell all: a probe that is due changes nothing worth keeping.
  routine_ = std::holds_alternative<pod::event::Tick>(event) &&
             std::all_of(actions.begin(), actions.end(), [](const pod::Action& action) {
               return action.kind == pod::Action::Kind::check;
             });
  if (!routine_) unsaved_ = true;
  carry_out(actions);
}

void Supervisor::carry_out(const std::vector<pod::Action>& actions) {
  perform(actions);
  report_progress();
  answer_restarts();
  schedule();
}

void Supervisor::perform(const std::vector<pod::Action>& actions) {
  std::vector<std::size_t> to_start;
  for (const auto& action : actions) perform(action, to_start);
  if (!to_start.empty()) start_containers(to_start);
  // A pod that is finished without a sandbox has nothing to tear down, but an end all the same.
  if (record_.state.finished && !record_.state.sandbox && !over_)
    boost::asio::post(io_, [this] { tear_down(); });
}

void Supervisor::perform(const pod::Action& action, std::vector<std::size_t>& to_start) {
  using Kind = pod::Action::Kind;
  switch (action.kind) {
    case Kind::start:
      to_start.push_back(action.container);
      return;
    case Kind::run_hook:
      return run_hook(action.container, action.hook);
    case Kind::cancel_hook:
      checks_of(action.container).hook.reset();
      return;
    case Kind::check:
      return probe(action.container, action.probe);
    case Kind::terminate:
      return terminate(action.container);
    case Kind::kill:
      return kill(action.container);
    case Kind::rebuild_sandbox:
      // Not from inside another step: what is half done there refers to the old one.
      boost::asio::post(io_, [this] {
        try {
          build_sandbox();
        } catch (const sys::Error& error) {
          events_.add(true, "FailedCreatePodSandBox", "", error.what());
          record_.state.message = error.what();
          stop_pod(std::chrono::nanoseconds(0));
        }
      });
      return;
    case Kind::tear_down:
      boost::asio::post(io_, [this] { tear_down(); });
      return;
    case Kind::tell_unhealthy:
      return tell_unhealthy(action.container, action.probe);
    case Kind::tell_killing:
    case Kind::tell_back_off:
      return tell(action);
  }
}

// After whatever woke us. While there is work the timer only looks, so that work costs no timers.
void Supervisor::settle() {
  ++wakes_;
  if (settling_ || calm_) return;
  settling_ = true;
  settled_.expires_after(settling_time);
  settled_.async_wait([this, seen = wakes_](const boost::system::error_code& /*error*/) {
    settling_ = false;
    calm_ = wakes_ == seen;
  });
}

// Sockets for the next connection are for a row of them; checks come again.
void Supervisor::rest() {
  ports_.rest();
  if (node_ports_) node_ports_->rest();
  if (sandbox_ &&
      std::none_of(containers_.begin(), containers_.end(),
                   [](const Container& container) { return container.checks != nullptr; }))
    sandbox_->sockets.clear();
}

// What the life cycle says for the history alone, in the kubelet's words.
void Supervisor::tell(const pod::Action& action) {
  const std::string& name = record_.containers[action.container].name;
  if (action.kind == pod::Action::Kind::tell_back_off) {
    const bool pull =
        pod::is_image_reason(record_.state.containers[action.container].waiting_reason);
    events_.add(true, "BackOff", name,
                pull ? "Back-off pulling image \"" + image_to_bring(action.container) + "\""
                     : "back-off restarting failed container " + name);
    return;
  }
  std::string message = "stopping container " + name;
  switch (action.cause) {
    case pod::Cause::stop:
    case pod::Cause::restart:
      break;
    case pod::Cause::liveness:
      message = "container " + name + " failed liveness probe, will be restarted by its policy";
      break;
    case pod::Cause::startup:
      message = "container " + name + " failed startup probe, will be restarted by its policy";
      break;
    case pod::Cause::post_start:
      message = "the postStart hook of container " + name + " failed";
      break;
    case pod::Cause::restart_all:
      message = "all containers are restarted";
      break;
  }
  events_.add(false, "Killing", name, message);
}

void Supervisor::schedule() {
  timer_.cancel();
  const auto wake = lifecycle_.next_wake(record_.state);
  if (!wake || over_) return;
  timer_.expires_after(std::max(*wake - now(), std::chrono::nanoseconds(0)));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) feed(pod::event::Tick{wall_now()});
  });
}

void Supervisor::save() {
  charge_.store.write(record_);
  unsaved_ = false;
  tell_services();
  if (sandbox_ && sandbox_->leash) infra::let_go(std::move(sandbox_->leash));
}

void Supervisor::report_progress() {
  if (!starter_.waiting()) return;
  const auto& state = record_.state;
  if (pod::all_running(state, charge_.pod.spec.init_containers.size())) {
    save();
    starter_.running();
    return;
  }
  if (!state.finished) return;
  std::string why = "the pod ended before all its containers ran";
  for (std::size_t i = 0; i < containers_.size(); ++i) {
    const auto& end = state.containers[i].terminated;
    if (!end || end->exit_code == 0) continue;
    why = (record_.containers[i].init ? "init container " : "container ") +
          record_.containers[i].name + ": " +
          (end->message.empty() ? "ended with exit code " + std::to_string(end->exit_code)
                                : end->message);
    break;
  }
  starter_.fail(why);
}

}  // namespace pausa::supervisor
