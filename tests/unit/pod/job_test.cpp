#include "pod/job.hpp"

#include "support/json_node.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::pod;
using namespace std::chrono_literals;
namespace test = pausa::test;

namespace {

Node job_object(const std::string& more, const std::string& policy = "Never") {
  return test::read_json(
      R"({"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"sum"},"spec":{)" + more +
      R"("template":{"metadata":{"labels":{"app":"sum"}},"spec":{"restartPolicy":")" + policy +
      R"(","containers":[{"name":"c","image":"busybox"}]}}}})");
}

// A Job and a clock; the pods come to what the test says.
struct Life {
  explicit Life(const std::string& more, const std::string& policy = "Never")
      : spec(decode_job(job_object(more, policy))) {}

  // "+sum-1 -sum-2": what is started and stopped.
  std::string step(std::vector<JobPodSeen> seen = {}) {
    seen.resize(state.active.size());
    const JobActions actions = step_job(spec, backoff, state, seen, now);
    wake = actions.wake;
    removed = actions.remove;
    std::string text;
    for (const auto& pod : actions.start) text += " +" + job_pod_name("sum", pod);
    for (const auto& pod : actions.stop) text += " -" + job_pod_name("sum", pod);
    return text.empty() ? text : text.substr(1);
  }

  JobSpec spec;
  BackoffPolicy backoff;
  JobState state;
  WallTime now{1000s};
  std::optional<WallTime> wake;
  bool removed = false;
};

JobPodSeen good() {
  JobPodSeen seen;
  seen.kind = JobPodSeen::Kind::succeeded;
  return seen;
}

JobPodSeen bad(int code = 1) {
  JobPodSeen seen;
  seen.kind = JobPodSeen::Kind::failed;
  seen.exit_codes = {{"c", code}};
  return seen;
}

JobPodSeen absent() {
  JobPodSeen seen;
  seen.kind = JobPodSeen::Kind::absent;
  return seen;
}

const JobPodSeen alive;

}  // namespace

TEST_SUITE("pod/unit") {
  TEST_CASE("a Job that says nothing is one pod, once") {
    Life life("");
    CHECK(life.step() == "+sum-1");
    CHECK(life.step().empty());
    CHECK_FALSE(life.state.finished);
    CHECK(life.step({good()}).empty());
    CHECK(life.state.complete == true);
    CHECK(life.state.finished == life.now);
    CHECK(job_condition(life.spec, life.state, "Complete", "True"));
    CHECK_FALSE(job_is_alive(life.spec, life.state));
  }

  TEST_CASE("completions are worked off so many at a time") {
    Life life(R"("completions":3,"parallelism":2,)");
    CHECK(life.step() == "+sum-1 +sum-2");
    CHECK(life.step({good(), alive}) == "+sum-3");
    CHECK(life.step({good(), alive}).empty());
    CHECK(life.step({good()}).empty());
    CHECK(life.state.complete == true);
    CHECK(life.state.succeeded == 3);
    CHECK(life.state.reason == "CompletionsReached");
  }

  TEST_CASE("with parallelism alone, one success means that no more are started") {
    Life life(R"("parallelism":2,)");
    CHECK(life.step() == "+sum-1 +sum-2");
    CHECK(life.step({good(), alive}).empty());
    CHECK_FALSE(life.state.complete);
    CHECK(life.step({good()}).empty());
    CHECK(life.state.complete == true);
  }

  TEST_CASE("a pod that fails is replaced after a wait that doubles, until the limit") {
    Life life(R"("backoffLimit":2,)");
    life.step();
    CHECK(life.step({bad()}).empty());
    CHECK(life.wake == life.now + 10s);
    life.now += 10s;
    CHECK(life.step() == "+sum-2");
    CHECK(life.step({bad()}).empty());
    CHECK(life.wake == life.now + 20s);
    life.now += 20s;
    CHECK(life.step() == "+sum-3");
    CHECK(life.step({bad()}).empty());
    CHECK(life.state.complete == false);
    CHECK(life.state.reason == "BackoffLimitExceeded");
    CHECK(life.state.failed == 3);
    CHECK(job_word(life.spec, life.state) == "Failed");
  }

  TEST_CASE(
      "a pod that was decided but never made is made; one that was made and went has failed") {
    Life life(R"("completions":3,"parallelism":2,)");
    CHECK(life.step() == "+sum-1 +sum-2");
    life.state = job_state_from(job_state_node(life.state));
    CHECK(life.step({alive, absent()}) == "+sum-2");
    CHECK(life.state.failed == 0);
    pods_made(life.state);
    life.state = job_state_from(job_state_node(life.state));
    CHECK(life.step({alive, absent()}).empty());
    CHECK(life.state.failed == 1);
    CHECK(life.wake);
  }

  TEST_CASE("a pod that was never made is forgotten when it is not wanted any more") {
    Life life(R"("parallelism":2,"completions":2,)");
    life.step();
    life.spec.suspend = true;
    CHECK(life.step({absent(), absent()}) == "-sum-2 -sum-1");
    CHECK(life.step({absent(), absent()}).empty());
    CHECK(life.state.active.empty());
    CHECK(life.state.failed == 0);
  }

  TEST_CASE("with OnFailure the restarts of its pods count against the limit") {
    Life life(R"("backoffLimit":2,)", "OnFailure");
    life.step();
    JobPodSeen seen;
    seen.restarts = 1;
    CHECK(life.step({seen}).empty());
    seen.restarts = 2;
    CHECK(life.step({seen}) == "-sum-1");
    CHECK_FALSE(life.state.finished);
    CHECK(life.step({bad()}).empty());
    CHECK(life.state.finished.has_value());
    CHECK(life.state.reason == "BackoffLimitExceeded");
  }

  TEST_CASE("a deadline ends the pods, and the Job when they have ended") {
    Life life(R"("activeDeadlineSeconds":30,)");
    life.step();
    CHECK(life.wake == life.now + 30s);
    life.now += 30s;
    CHECK(life.step() == "-sum-1");
    CHECK(job_condition(life.spec, life.state, "FailureTarget", "True"));
    CHECK_FALSE(job_condition(life.spec, life.state, "Failed", "True"));
    life.step({bad()});
    CHECK(life.state.reason == "DeadlineExceeded");
    CHECK(job_condition(life.spec, life.state, "Failed", "True"));
  }

  TEST_CASE("each index is worked off once; one that failed is tried again") {
    Life life(R"("completions":3,"parallelism":2,"completionMode":"Indexed",)");
    life.backoff.initial = 0s;
    CHECK(life.step() == "+sum-0-1 +sum-1-1");
    CHECK(life.step({bad(), good()}) == "+sum-0-2 +sum-2-1");
    CHECK(life.step({good(), good()}).empty());
    CHECK(life.state.complete == true);
    CHECK(to_json(job_status(life.spec, life.state)).find(R"("completedIndexes":"0-2")") !=
          std::string::npos);
  }

  TEST_CASE("an index that failed too often is given up, the others go on") {
    Life life(R"("completions":2,"completionMode":"Indexed","backoffLimitPerIndex":0,)");
    life.backoff.initial = 0s;
    CHECK(life.step() == "+sum-0-1");
    CHECK(life.step({bad()}) == "+sum-1-1");
    CHECK(life.step({good()}).empty());
    CHECK(life.state.complete == false);
    CHECK(life.state.reason == "FailedIndexes");
    Life strict(
        R"("completions":3,"completionMode":"Indexed","backoffLimitPerIndex":0,"maxFailedIndexes":0,)");
    strict.step();
    strict.step({bad()});
    CHECK(strict.state.reason == "MaxFailedIndexesExceeded");
  }

  TEST_CASE("a failure policy says what an exit code means") {
    Life life(R"("podFailurePolicy":{"rules":[
      {"action":"Ignore","onExitCodes":{"operator":"In","values":[7]}},
      {"action":"Ignore","onPodConditions":[{"type":"DisruptionTarget"}]},
      {"action":"FailJob","onExitCodes":{"operator":"NotIn","values":[1]}}]},)");
    life.backoff.initial = 0s;
    life.step();
    CHECK(life.step({bad(7)}) == "+sum-2");
    CHECK(life.state.failed == 0);
    JobPodSeen evicted = bad(1);
    evicted.disrupted = true;
    CHECK(life.step({evicted}) == "+sum-3");
    CHECK(life.state.failed == 0);
    CHECK(life.step({bad(1)}) == "+sum-4");
    CHECK(life.state.failed == 1);
    CHECK(life.step({bad(42)}).empty());
    CHECK(life.state.reason == "PodFailurePolicy");
  }

  TEST_CASE("a success policy ends a Job before all indexes are done") {
    Life life(R"("completions":3,"parallelism":3,"completionMode":"Indexed",
                 "successPolicy":{"rules":[{"succeededIndexes":"1-2","succeededCount":1}]},)");
    life.step();
    CHECK(life.step({good(), alive, alive}).empty());
    CHECK(life.step({good(), alive}) == "-sum-2-1");
    CHECK(job_condition(life.spec, life.state, "SuccessCriteriaMet", "True"));
    life.step({bad()});
    CHECK(life.state.complete == true);
    CHECK(life.state.reason == "SuccessPolicy");
    CHECK(life.state.failed == 0);
  }

  TEST_CASE("a Job that is suspended stops its pods, which are no failures, and goes on later") {
    Life life("");
    life.step();
    life.spec.suspend = true;
    CHECK(life.step() == "-sum-1");
    CHECK(life.step({bad()}).empty());
    CHECK(life.state.failed == 0);
    CHECK_FALSE(life.state.started);
    CHECK_FALSE(job_is_alive(life.spec, life.state));
    CHECK(job_condition(life.spec, life.state, "Suspended", "True"));
    life.spec.suspend = false;
    CHECK(life.step() == "+sum-2");
  }

  TEST_CASE("less parallelism stops the newest pods") {
    Life life(R"("completions":4,"parallelism":3,)");
    life.step();
    life.spec.parallelism = 1;
    CHECK(life.step() == "-sum-3 -sum-2");
    CHECK(life.step({alive, bad(), bad()}).empty());
    CHECK(life.state.failed == 0);
    CHECK(life.step({good()}) == "+sum-4");
  }

  TEST_CASE("a Job whose time after its end is over is to be removed") {
    Life life(R"("ttlSecondsAfterFinished":5,)");
    life.step();
    life.step({good()});
    CHECK_FALSE(life.removed);
    CHECK(life.wake == life.now + 5s);
    CHECK(job_is_alive(life.spec, life.state));
    life.now += 5s;
    life.step();
    CHECK(life.removed);
  }

  TEST_CASE("a Job's state survives the disk") {
    Life life(R"("completions":3,"parallelism":2,"completionMode":"Indexed",)");
    life.step();
    CHECK(life.step({good(), bad()}).empty());
    const Node node = job_state_node(life.state);
    CHECK(to_json(job_state_node(job_state_from(test::read_json(to_json(node))))) == to_json(node));
    life.now += 10s;
    JobState other = job_state_from(test::read_json(to_json(node)));
    CHECK(life.step() == "+sum-1-2 +sum-2-1");
    std::swap(life.state, other);
    CHECK(life.step() == "+sum-1-2 +sum-2-1");
  }

  TEST_CASE("the pods of a Job have its labels; an indexed one its number in every way") {
    const Node job = job_object("");
    const Workload workload = decode_workload(job, WorkloadKind::job);
    const std::string plain = to_json(job_pod(job, workload, {3, std::nullopt, false}));
    CHECK(plain.find(R"("name":"sum-3")") != std::string::npos);
    CHECK(plain.find(
              R"("labels":{"app":"sum","batch.kubernetes.io/job-name":"sum","job-name":"sum"})") !=
          std::string::npos);
    CHECK(owner_in(plain) == "job/sum");
    const std::string indexed = to_json(job_pod(job, workload, {1, 4, false}));
    CHECK(indexed.find(R"("name":"sum-4-1")") != std::string::npos);
    CHECK(indexed.find(R"("hostname":"sum-4")") != std::string::npos);
    CHECK(indexed.find(R"({"name":"JOB_COMPLETION_INDEX","value":"4"})") != std::string::npos);
    CHECK(indexed.find(R"("annotations":{"batch.kubernetes.io/job-completion-index":"4"})") !=
          std::string::npos);
  }

  TEST_CASE("a Job that runs takes some changes and not others") {
    bool differs = false;
    const Node job = job_object(R"("parallelism":1,)");
    CHECK(fixed_difference(job, job, differs).empty());
    CHECK_FALSE(differs);
    CHECK(fixed_difference(job, job_object(R"("parallelism":2,)"), differs).empty());
    CHECK(differs);
    CHECK(fixed_difference(job, job_object(R"("parallelism":1,)", "OnFailure"), differs) ==
          "spec.template");
  }

  TEST_CASE("a Job of a CronJob is its template, owned by it") {
    const Node cron = test::read_json(
        R"({"apiVersion":"batch/v1","kind":"CronJob","metadata":{"name":"nightly","namespace":"ops"},
            "spec":{"schedule":"@daily","jobTemplate":{"metadata":{"labels":{"a":"b"}},
              "spec":{"template":{"spec":{"restartPolicy":"Never",
                "containers":[{"name":"c","image":"busybox"}]}}}}}})");
    const Node job =
        job_of_cron_job(cron, decode_workload(cron, WorkloadKind::cron_job), "nightly-1");
    CHECK(owner_in(to_json(job)) == "cronjob/nightly");
    CHECK(job.find("metadata")->find("labels")->find("a")->text == "b");
    CHECK(job.find("metadata")->find("namespace")->text == "ops");
    CHECK_FALSE(has_errors(validate_workload(job, WorkloadKind::job)));
  }
}
