// A Job's parts of trees: its spec, its pods, its state on the disk and its status.
#include "pod/index_set.hpp"
#include "pod/job.hpp"
#include "pod/time_text.hpp"
#include "pod/value.hpp"

#include <algorithm>
#include <array>

namespace pausa::pod {
namespace {

using Action = JobSpec::FailureRule::Action;

constexpr std::string_view index_label = "batch.kubernetes.io/job-completion-index";
constexpr std::string_view index_variable = "JOB_COMPLETION_INDEX";

std::optional<std::chrono::seconds> seconds(const Value& at) {
  const auto number = at.integer();
  if (!number) return std::nullopt;
  constexpr std::int64_t most = 1'000'000'000;  // 31 years: in nanoseconds it still is a number
  return std::chrono::seconds(std::min(*number, most));
}

JobSpec::FailureRule failure_rule(const Value& rule) {
  JobSpec::FailureRule out;
  const Value action = rule["action"];
  if (action.is("Ignore")) out.action = Action::ignore;
  if (action.is("FailIndex")) out.action = Action::fail_index;
  if (action.is("FailJob")) out.action = Action::fail_job;
  const Value codes = rule["onExitCodes"];
  out.container = codes["containerName"].text();
  out.not_in = codes["operator"].is("NotIn");
  for (const Value& code : codes["values"].items()) out.codes.push_back(code.integer().value_or(0));
  for (const Value& condition : rule["onPodConditions"].items()) {
    const auto status = condition["status"].text();
    out.conditions.emplace_back(condition["type"].text(), status.empty() ? "True" : status);
  }
  return out;
}

void add_index(Node& pod, std::int64_t index) {
  const Node text = Node::make_string(std::to_string(index));
  Node& metadata = pod.set("metadata");
  metadata.set("labels").set(index_label, text);
  metadata.set("annotations").set(index_label, text);
  for (const char* field : {"initContainers", "containers"}) {
    Node* const list = pod.set("spec").find(field);
    if (!list || !list->is_list()) continue;
    for (Node& container : list->items) {
      Node& env = container.set("env");
      if (!env.is_list()) env = Node::make_list();
      const bool known = std::any_of(env.items.begin(), env.items.end(), [](const Node& variable) {
        const Node* const name = variable.find("name");
        return name && name->text == index_variable;
      });
      if (known) continue;
      Node variable = Node::make_map();
      variable.set("name", Node::make_string(std::string(index_variable)));
      variable.set("value", text);
      env.push(std::move(variable));
    }
  }
}

void set_time(Node& node, const char* key, const std::optional<WallTime>& time) {
  if (time) node.set(key, Node::make_integer(time->count()));
}

std::optional<WallTime> time_in(const Value& at) {
  const auto number = at.integer();
  if (!number) return std::nullopt;
  return WallTime(*number);
}

Node numbers(const std::vector<std::int64_t>& values) {
  return Node::make_string(indexes_text(values));
}

Node condition(const std::string& type, const std::string& reason, const std::string& message,
               std::optional<WallTime> since) {
  Node node = Node::make_map();
  node.set("type", Node::make_string(type));
  node.set("status", Node::make_string("True"));
  if (!reason.empty()) node.set("reason", Node::make_string(reason));
  if (!message.empty()) node.set("message", Node::make_string(message));
  if (since) node.set("lastTransitionTime", Node::make_string(rfc3339(*since)));
  return node;
}

// What may be changed while the Job runs.
bool is_adjustable(std::string_view field) {
  constexpr std::array<std::string_view, 6> adjustable{
      "parallelism", "suspend", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished",
      "completions"};
  return std::find(adjustable.begin(), adjustable.end(), field) != adjustable.end();
}

std::string first_difference(const Node* now, const Node* wanted) {
  static const Node nothing;
  const Node& a = now ? *now : nothing;
  const Node& b = wanted ? *wanted : nothing;
  std::string other;
  for (const Node* map : {&a, &b})
    for (const Entry& entry : map->entries) {
      const Node* const one = a.find(entry.key);
      const Node* const two = b.find(entry.key);
      if (one && two && *one == *two) continue;
      if (!is_adjustable(entry.key)) return entry.key;
      other = entry.key;
    }
  return other;
}

}  // namespace

JobSpec decode_job(const Node& job) {
  const Value root(job);
  const Value spec = root["spec"];
  JobSpec out;
  out.parallelism = spec["parallelism"].integer().value_or(1);
  out.completions = spec["completions"].integer();
  out.indexed = spec["completionMode"].is("Indexed");
  // Neither is set: one pod, once.
  if (!out.completions && !spec["parallelism"].present()) out.completions = 1;
  out.backoff_limit_per_index = spec["backoffLimitPerIndex"].integer();
  out.max_failed_indexes = spec["maxFailedIndexes"].integer();
  constexpr std::int64_t unlimited = 2147483647;
  out.backoff_limit =
      spec["backoffLimit"].integer().value_or(out.backoff_limit_per_index ? unlimited : 6);
  out.deadline = seconds(spec["activeDeadlineSeconds"]);
  out.ttl = seconds(spec["ttlSecondsAfterFinished"]);
  out.suspend = spec["suspend"].truth().value_or(false);
  out.restarts = spec["template"]["spec"]["restartPolicy"].is("OnFailure");
  for (const Value& rule : spec["podFailurePolicy"]["rules"].items())
    out.failure_rules.push_back(failure_rule(rule));
  for (const Value& rule : spec["successPolicy"]["rules"].items()) {
    JobSpec::SuccessRule& success = out.success_rules.emplace_back();
    success.count = rule["succeededCount"].integer();
    if (rule["succeededIndexes"].present())
      success.indexes = parse_indexes(rule["succeededIndexes"].text(), out.completions.value_or(0));
  }
  return out;
}

Node job_pod(const Node& job, const Workload& workload, const JobPod& pod) {
  const std::string name = job_pod_name(workload.metadata.name, pod);
  const Node* const pod_template = template_of(job, WorkloadKind::job);
  Node object = pod_of_template(pod_template ? *pod_template : Node(), workload, name);
  Node& labels = object.set("metadata").set("labels");
  for (const char* label : {"batch.kubernetes.io/job-name", "job-name"})
    labels.set(label, Node::make_string(workload.metadata.name));
  if (pod.index) {
    add_index(object, *pod.index);
    Node& spec = object.set("spec");
    if (!spec.find("hostname") && !spec.find("hostNetwork"))
      spec.set("hostname",
               Node::make_string(workload.metadata.name + "-" + std::to_string(*pod.index)));
  }
  return object;
}

Node sample_pod(const Node& object, const Workload& workload) {
  JobPod first{1, std::nullopt, false, false};
  if (workload.kind == WorkloadKind::job) {
    if (decode_job(object).indexed) first.index = 0;
    return job_pod(object, workload, first);
  }
  const std::string name = workload.metadata.name + "-1";
  const Node job = job_of_cron_job(object, workload, name);
  return job_pod(job, decode_workload(job, WorkloadKind::job), first);
}

Node job_state_node(const JobState& state) {
  Node node = Node::make_map();
  set_time(node, "started", state.started);
  set_time(node, "finished", state.finished);
  set_time(node, "retryAt", state.retry_at);
  node.set("made", Node::make_integer(state.made));
  node.set("succeeded", Node::make_integer(state.succeeded));
  node.set("failed", Node::make_integer(state.failed));
  node.set("failuresInARow", Node::make_integer(state.failures_in_a_row));
  node.set("completedIndexes", numbers(state.completed_indexes));
  node.set("failedIndexes", numbers(state.failed_indexes));
  if (state.complete) node.set("complete", Node::make_boolean(*state.complete));
  node.set("reason", Node::make_string(state.reason));
  node.set("message", Node::make_string(state.message));
  Node active = Node::make_list();
  for (const JobPod& pod : state.active) {
    Node entry = Node::make_map();
    entry.set("number", Node::make_integer(pod.number));
    if (pod.index) entry.set("index", Node::make_integer(*pod.index));
    if (pod.stopping) entry.set("stopping", Node::make_boolean(true));
    if (pod.planned) entry.set("planned", Node::make_boolean(true));
    active.push(std::move(entry));
  }
  node.set("active", std::move(active));
  Node indexes = Node::make_list();
  for (const auto& known : state.indexes) {
    Node entry = Node::make_list();
    for (const std::int64_t number : {known.index, known.attempts, known.failures})
      entry.push(Node::make_integer(number));
    indexes.push(std::move(entry));
  }
  node.set("indexes", std::move(indexes));
  return node;
}

JobState job_state_from(const Node& node) {
  const Value root(node);
  const auto number = [&root](std::string_view key) { return root[key].integer().value_or(0); };
  constexpr std::int64_t any = INT64_MAX;
  JobState state;
  state.started = time_in(root["started"]);
  state.finished = time_in(root["finished"]);
  state.retry_at = time_in(root["retryAt"]);
  state.made = number("made");
  state.succeeded = number("succeeded");
  state.failed = number("failed");
  state.failures_in_a_row = number("failuresInARow");
  state.completed_indexes =
      parse_indexes(root["completedIndexes"].text(), any).value_or(std::vector<std::int64_t>());
  state.failed_indexes =
      parse_indexes(root["failedIndexes"].text(), any).value_or(std::vector<std::int64_t>());
  state.complete = root["complete"].truth();
  state.reason = root["reason"].text();
  state.message = root["message"].text();
  for (const Value& entry : root["active"].items())
    state.active.push_back({entry["number"].integer().value_or(0), entry["index"].integer(),
                            entry["stopping"].truth().value_or(false),
                            entry["planned"].truth().value_or(false)});
  for (const Value& entry : root["indexes"].items())
    state.indexes.push_back({entry.at(0).integer().value_or(0), entry.at(1).integer().value_or(0),
                             entry.at(2).integer().value_or(0)});
  return state;
}

Node job_status(const JobSpec& spec, const JobState& state) {
  Node status = Node::make_map();
  std::int64_t active = 0;
  std::int64_t terminating = 0;
  for (const JobPod& pod : state.active) ++(pod.stopping ? terminating : active);
  Node conditions = Node::make_list();
  if (spec.suspend && !state.complete)
    conditions.push(condition("Suspended", "JobSuspended", "Job suspended", std::nullopt));
  if (state.complete) {
    conditions.push(condition(*state.complete ? "SuccessCriteriaMet" : "FailureTarget",
                              state.reason, state.message, state.finished));
    if (state.finished)
      conditions.push(condition(*state.complete ? "Complete" : "Failed", state.reason,
                                state.message, state.finished));
  }
  status.set("active", Node::make_integer(active));
  if (spec.indexed) status.set("completedIndexes", numbers(state.completed_indexes));
  if (state.finished && state.complete == true)
    status.set("completionTime", Node::make_string(rfc3339(*state.finished)));
  status.set("conditions", std::move(conditions));
  status.set("failed", Node::make_integer(state.failed));
  if (spec.backoff_limit_per_index) status.set("failedIndexes", numbers(state.failed_indexes));
  if (state.started) status.set("startTime", Node::make_string(rfc3339(*state.started)));
  status.set("succeeded", Node::make_integer(state.succeeded));
  status.set("terminating", Node::make_integer(terminating));
  return status;
}

std::string_view job_word(const JobSpec& spec, const JobState& state) {
  if (state.finished) return state.complete == true ? "Complete" : "Failed";
  return spec.suspend ? "Suspended" : "Running";
}

bool job_condition(const JobSpec& spec, const JobState& state, std::string_view type,
                   std::string_view value) {
  // kubectl does not mind how they are written.
  const auto same = [](std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c + 0; };
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](char x, char y) { return lower(x) == lower(y); });
  };
  const Node status = job_status(spec, state);
  for (const Node& entry : status.find("conditions")->items)
    if (same(entry.find("type")->text, type)) return value == "True";
  return value == "False";
}

Node job_of_cron_job(const Node& cron_job, const Workload& workload, const std::string& name) {
  const Value root(cron_job);
  const Value job_template = root["spec"]["jobTemplate"];
  Node job = Node::make_map();
  job.set("apiVersion", Node::make_string("batch/v1"));
  job.set("kind", Node::make_string("Job"));
  Node pattern = Node::make_map();
  if (job_template["metadata"].present()) pattern.set("metadata", *job_template["metadata"].node());
  // The same words as of a pod that has an owner.
  Node made = pod_of_template(pattern, workload, name);
  Node& metadata = made.set("metadata");
  metadata.set("annotations").set("cronjob.kubernetes.io/instantiate", Node::make_string("manual"));
  job.set("metadata", std::move(metadata));
  if (job_template["spec"].present()) job.set("spec", *job_template["spec"].node());
  return job;
}

std::string fixed_difference(const Node& now, const Node& wanted, bool& differs) {
  const std::string field = first_difference(now.find("spec"), wanted.find("spec"));
  differs = !field.empty();
  return is_adjustable(field) || field.empty() ? std::string() : "spec." + field;
}

}  // namespace pausa::pod
