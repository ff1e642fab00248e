// The supervisor of one pod: one thread, one loop. It feeds the life cycle (pod/lifecycle.hpp) with
// what happens and carries out what it answers; it keeps the record, drains the logs and answers
// the control socket. It may be killed at any instant: all that must not be lost is in infra (exit
// table, descriptors) and in the record, and the next one goes on from there.
#pragma once

#include "image/image.hpp"
#include "launch/launcher.hpp"
#include "net/resolver.hpp"
#include "pod/lifecycle.hpp"
#include "pod/spec.hpp"
#include "state/store.hpp"
#include "supervisor/check.hpp"
#include "supervisor/control_server.hpp"
#include "supervisor/event_log.hpp"
#include "supervisor/host.hpp"
#include "supervisor/log_stream.hpp"
#include "supervisor/member.hpp"
#include "supervisor/node_ports.hpp"
#include "supervisor/pod_network.hpp"
#include "supervisor/pod_sandbox.hpp"
#include "supervisor/ports.hpp"
#include "supervisor/starter.hpp"
#include "sys/tool.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pausa::supervisor {

// A pod, ready to be supervised: validated, its images resolved, its record written.
struct Charge {
  state::Store store;
  state::Lock lock;
  state::Record record;
  pod::Pod pod;
  std::vector<image::ResolvedImage> images;  // init containers first, then the others
  UserNetwork user_network = {};             // when the pod is to be in it
  bool again = false;    // a pod that was there before: it stays, stopped, when it does not start
  bool explain = false;  // tell the starter every step
};

class Supervisor {
 public:
  Supervisor(Charge charge, Host host, Starter starter);

  // A new pod, or one that was stopped. Returns when the pod is over and cleaned up.
  void run_new();
  // A pod whose supervisor died.
  void run_adopted();

 private:
  struct Checks {
    std::array<std::unique_ptr<Check>, pod::probe_kinds> probes;
    std::unique_ptr<Check> hook;
    std::array<std::string, pod::probe_kinds> said;  // by the last check
  };
  struct Pull {
    sys::Tool tool;
    sys::UniqueFd pidfd;
    std::unique_ptr<FdWatch> watch;
  };
  struct CheckPurpose {
    std::chrono::nanoseconds timeout;
    bool hook;
    const char* group;  // for the processes of a command
  };
  struct Container {
    const pod::Container* spec = nullptr;
    const image::ResolvedImage* image = nullptr;
    std::optional<cgroup::Group> group;
    bool group_is_new = false;  // made, and nobody was in it yet
    std::unique_ptr<launch::Launch> launch;
    std::unique_ptr<FdWatch> launch_watch;
    std::optional<Member> member;  // what the launch borrows
    sys::UniqueFd pidfd;
    std::unique_ptr<FdWatch> pidfd_watch;  // hostPID
    std::unique_ptr<LogStream> out, err;
    std::string lacks;               // the image that was gone when it was last looked for
    std::string config_fault;        // why it could not be started when it was last tried
    std::unique_ptr<Pull> pull;      // of its image
    std::unique_ptr<Checks> checks;  // from the first probe or hook on
  };

  // supervisor.cpp: the loop and the life cycle
  void live(const std::function<void()>& life);
  void loop();
  void feed(const pod::Event& event);
  void carry_out(const std::vector<pod::Action>& actions);
  void perform(const std::vector<pod::Action>& actions);
  void perform(const pod::Action& action, std::vector<std::size_t>& to_start);
  static pod::Time now();
  void tell(const pod::Action& action);
  void schedule();
  void settle();
  void rest();
  void save();
  void report_progress();
  void adopt_spec();
  void point_at_spec();

  // requests.cpp: what commands want
  void on_control(const control::Request& request, ControlServer::Answer answer);
  void stop_pod(std::chrono::nanoseconds grace);
  void wake_infra();
  void answer_restarts();

  // ephemeral.cpp: containers for debugging
  void add_container(const std::string& object, ControlServer::Answer answer);
  int target_of(const pod::Container& container) const;

  // gates.cpp: conditions that others set
  control::Reply set_condition(const std::string& object);

  // update.cpp: a changed manifest
  void update(const std::vector<std::string>& found, const ControlServer::Answer& answer);
  void resize(const pod::Spec& wanted, const std::vector<std::string>& names);

  // sandbox.cpp: infra and what is made with it
  void build_sandbox();
  std::optional<net::Attachment> begin_network(pid_t pid, int pidfd);
  void watch_sandbox();
  void on_sandbox_death();
  void publish_ports();
  WayIn way_in();
  void make_groups();

  // start.cpp: members
  PodContext context() const;
  void start_containers(const std::vector<std::size_t>& indices);
  void make_group(std::size_t index);
  void begin_launch(std::size_t index);
  void on_launch(std::size_t index);
  void fail_start(std::size_t index, const char* reason, const std::string& message, int exit_code);
  void hold_start(std::size_t index, const char* reason, const std::string& message);
  void give_go();
  void abort_launch(std::size_t index);

  // exits.cpp: the end of members
  void terminate(std::size_t index);
  void kill(std::size_t index);
  void watch_own_child(std::size_t index);
  void on_infra();
  void take_exits();
  void let_forget(const std::vector<infra::Registration>& known);
  void on_exit(std::size_t index, const infra::Exit& exit);

  // pulls.cpp: images that are gone
  bool has_images(std::size_t index);
  bool has_image(std::size_t index);
  std::string lacking_volume(std::size_t index);
  const std::string& image_to_bring(std::size_t index) const;
  void begin_pull(std::size_t index);
  void end_pull(std::size_t index);

  // health.cpp: probes and hooks
  std::unique_ptr<Check> begin_check(std::size_t index, const pod::Check& what,
                                     const CheckPurpose& purpose, CheckDone done);
  std::unique_ptr<Check> begin_exec(std::size_t index, const pod::ExecCheck& what,
                                    const CheckPurpose& purpose, CheckDone done);
  Checks& checks_of(std::size_t index);
  void probe(std::size_t index, pod::ProbeKind kind);
  void on_probe(std::size_t index, pod::ProbeKind kind, const CheckResult& result);
  void run_hook(std::size_t index, pod::HookKind kind);
  void on_hook(std::size_t index, pod::HookKind kind, const CheckResult& result);
  void tell_unhealthy(std::size_t index, pod::ProbeKind kind);
  bool take_check_exit(const infra::Exit& exit);
  bool probing() const;

  // naming.cpp: names and Services
  void listen_for_names();
  NameSources name_sources() const;
  void lead_own_services(const std::string& rules);
  void tell_services();
  void serve_node_ports(bool changed);
  WayIn way_of_node_ports();
  void close_node_ports();

  // streams.cpp: logs and what infra keeps for the next supervisor
  sys::UniqueFd open_stdin(std::size_t index);
  void open_streams(std::size_t index, sys::UniqueFd& out_end, sys::UniqueFd& err_end);
  void open_terminal(std::size_t index, sys::UniqueFd terminal);
  std::unique_ptr<LogStream> make_stream(int log_dir, log::Stream stream, sys::UniqueFd source,
                                         bool terminal, std::uint64_t key);
  void retire_streams(std::size_t index);
  std::string last_words(std::size_t index, bool failed) const;
  void drain_streams();
  bool cut_off() const;
  void adopt_members();

  // refresh.cpp: what changes while the pod runs
  control::Reply refresh();

  // storage.cpp: limits of disk space
  bool has_storage_limits() const;
  std::string storage_excess() const;
  void watch_storage();

  // finish.cpp: the end
  void end_sandbox();
  void tear_down();

  boost::asio::io_context io_;
  Charge charge_;
  Host host_;
  Starter starter_;
  pod::Lifecycle lifecycle_;
  state::Record& record_;
  EventLog events_;
  std::string run_dir_path_;
  std::string data_dir_;
  sys::UniqueFd run_dir_;
  sys::UniqueFd logs_dir_;
  std::vector<Container> containers_;
  std::vector<std::size_t> awaiting_go_;  // in starting order
  std::optional<cgroup::Group> pod_group_;
  std::optional<cgroup::Group> infra_group_;
  std::optional<PodSandbox> sandbox_;
  UserNetwork user_network_;
  Ports ports_;
  std::unique_ptr<net::Resolver> resolver_;  // of a pod on a bridge
  std::unique_ptr<NodePorts> node_ports_;    // of Services, without root
  std::vector<NodePort> own_node_ports_;     // … which this pod is behind once it is ready
  std::uint8_t node_ports_for_ = 0;  // what the pod was when they were served: 1 up, 2 ready
  bool in_services_ = false;         // what Services were told last: the pod counts
  bool services_told_ = false;       // … and that it has ended
  std::unique_ptr<FdWatch> infra_watch_;
  std::unique_ptr<FdWatch> infra_death_;
  std::list<std::unique_ptr<LogStream>> old_streams_;
  std::unique_ptr<ControlServer> control_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<boost::asio::steady_timer> storage_timer_;  // only with limits of disk space
  boost::asio::steady_timer settled_;
  std::vector<ControlServer::Answer> stop_answers_;
  std::vector<std::pair<std::size_t, ControlServer::Answer>> restart_answers_;
  std::uint64_t wakes_ = 0;
  bool settling_ = false;  // a look is due whether there was work since
  bool calm_ = false;      // there was none
  std::uint32_t checks_begun_ = 0;
  bool routine_ = false;  // what woke us was a probe as ever: nothing to save, nothing to tidy up
  bool unsaved_ = false;
  bool failed_before_ = false;  // an earlier supervisor of this pod could not work, and said so
  bool over_ = false;
};

// Removes everything of a pod that no supervisor cares for any more (its lock is held): processes,
// groups, and with `data` its folders. Idempotent; returns what could not be removed.
std::vector<sys::Error> reconcile(const state::Store& store, const cgroup::Hierarchy& cgroups,
                                  state::Record& record, bool data);

}  // namespace pausa::supervisor
