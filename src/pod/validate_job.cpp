// Kubernetes' rules for Jobs and CronJobs.
#include "pod/index_set.hpp"
#include "pod/rules.hpp"
#include "pod/schedule.hpp"

namespace pausa::pod {
namespace {

constexpr std::string_view job_policies[] = {"OnFailure", "Never"};
constexpr std::string_view completion_modes[] = {"Indexed", "NonIndexed"};
constexpr std::string_view actions[] = {"Count", "FailIndex", "FailJob", "Ignore"};
constexpr std::string_view code_operators[] = {"In", "NotIn"};
constexpr std::string_view statuses[] = {"False", "True", "Unknown"};
constexpr std::string_view replacements[] = {"Failed", "TerminatingOrFailed"};
constexpr std::string_view concurrencies[] = {"Allow", "Forbid", "Replace"};
constexpr std::string_view no_manual_selector[] = {"nil", "false"};
constexpr std::int64_t most_indexes = 100'000;
constexpr std::int64_t most_parallel = 1000;
constexpr std::size_t most_rules = 20;
constexpr std::size_t most_codes = 255;
constexpr std::size_t longest_cron_job_name = 52;  // what is added to it makes 63

bool is_indexed(const Value& spec) {
  return spec["completionMode"].is("Indexed");
}

// An enumerated string that must be there.
void check_word(const Value& at, Names supported, Findings& findings) {
  if (check_required(at, findings)) check_choice(at, supported, findings);
}

void check_codes(const Value& codes, const Value& pod, Findings& findings) {
  const Value name = codes["containerName"];
  bool known = !name.present();
  for (const std::string_view list : {"containers", "initContainers"})
    for (const Value& container : pod[list].items())
      known = known || container["name"].text() == name.text();
  if (!known)
    findings.invalid(name,
                     "must be one of the container or initContainer names in the pod template");
  check_word(codes["operator"], code_operators, findings);
  const Value values = codes["values"];
  if (values.size() == 0) findings.invalid(values, "at least one value is required");
  if (values.size() > most_codes) findings.too_many(values, most_codes);
  std::optional<std::int64_t> before;
  for (const Value& value : values.items()) {
    const auto code = value.integer();
    if (!code) continue;
    if (*code == 0 && codes["operator"].is("In"))
      findings.invalid(value, "must not be 0 for the In operator");
    if (before && *before == *code) findings.duplicate(value);
    if (before && *before > *code) findings.invalid(values, "must be ordered");
    before = code;
  }
}

void check_failure_rule(const Value& rule, const Value& spec, Findings& findings) {
  const Value action = rule["action"];
  check_word(action, actions, findings);
  if (action.is("FailIndex") && !spec["backoffLimitPerIndex"].present())
    findings.invalid(action, "requires the backoffLimitPerIndex to be set");
  const Value codes = rule["onExitCodes"];
  const Value conditions = rule["onPodConditions"];
  if (codes.present() && conditions.size() > 0)
    findings.invalid(rule, {}, "specifying both OnExitCodes and OnPodConditions is not supported");
  if (!codes.present() && conditions.size() == 0)
    findings.invalid(rule, {}, "specifying one of OnExitCodes and OnPodConditions is required");
  if (codes.present()) check_codes(codes, spec["template"]["spec"], findings);
  for (const Value& condition : conditions.items()) {
    if (check_required(condition["type"], findings))
      add_faults(condition["type"], qualified_name_faults(condition["type"].text()), findings);
    check_choice(condition["status"], statuses, findings);
  }
}

void check_failure_policy(const Value& spec, Findings& findings) {
  const Value policy = spec["podFailurePolicy"];
  if (!policy.present()) return;
  const Value restart = spec["template"]["spec"]["restartPolicy"];
  if (restart.is("OnFailure"))
    findings.invalid(restart, "only \"Never\" is supported when podFailurePolicy is specified");
  const Value rules = policy["rules"];
  if (rules.size() > most_rules) findings.too_many(rules, most_rules);
  for (const Value& rule : rules.items()) check_failure_rule(rule, spec, findings);
  const Value replacement = spec["podReplacementPolicy"];
  if (replacement.is("TerminatingOrFailed")) {
    static constexpr std::string_view failed[] = {"Failed"};
    findings.unsupported(replacement, failed);
  }
}

void check_success_policy(const Value& spec, Findings& findings) {
  const Value policy = spec["successPolicy"];
  if (!policy.present()) return;
  if (!is_indexed(spec)) findings.invalid(policy, {}, "requires indexed completion mode");
  const Value rules = policy["rules"];
  if (rules.size() == 0)
    findings.required(rules,
                      "at least one rules must be specified when the successPolicy is "
                      "specified");
  if (rules.size() > most_rules) findings.too_many(rules, most_rules);
  const std::int64_t completions = spec["completions"].integer().value_or(0);
  for (const Value& rule : rules.items()) {
    const Value indexes = rule["succeededIndexes"];
    const Value count = rule["succeededCount"];
    if (!indexes.present() && !count.present()) {
      findings.required(rule,
                        "at least one of succeededCount or succeededIndexes must be "
                        "specified");
      continue;
    }
    std::int64_t most = completions;
    if (indexes.present()) {
      const auto set = parse_indexes(indexes.text(), completions);
      if (set)
        most = static_cast<std::int64_t>(set->size());
      else
        findings.invalid(indexes,
                         "error parsing succeededIndexes: write indexes below completions "
                         "in their order, such as \"0,2-4\"");
    }
    const auto number = count.integer();
    if (!number) continue;
    if (*number < 1) findings.invalid(count, "must be greater than or equal to 1");
    if (*number > most)
      findings.invalid(count, "must be less than or equal to " + std::to_string(most) +
                                  (indexes.present() ? " when succeededIndexes is specified" : ""));
  }
}

void check_indexed(const Value& spec, const Value& name, Findings& findings) {
  const Value completions = spec["completions"];
  const Value per_index = spec["backoffLimitPerIndex"];
  const Value failed = spec["maxFailedIndexes"];
  check_at_least_zero(per_index, findings);
  check_at_least_zero(failed, findings);
  if (failed.present() && !per_index.present())
    findings.required(per_index, "when maxFailedIndexes is specified");
  if (!is_indexed(spec)) {
    if (per_index.present()) findings.invalid(per_index, "requires indexed completion mode");
    return;
  }
  if (!completions.present()) findings.required(completions, "when completion mode is Indexed");
  const auto count = completions.integer();
  if (count && *count > most_indexes)
    findings.invalid(completions, "must be less than or equal to 100000 on one machine");
  if (count && failed.integer().value_or(0) > *count)
    findings.invalid(failed, "must be less than or equal to completions");
  if (!count || *count < 1 || name.text().empty()) return;
  const std::string last = concat({name.text(), "-", std::to_string(*count - 1)});
  if (!dns_label_faults(last).empty())
    findings.invalid(name, "will not able to create pod with invalid DNS hostname: " + last);
}

}  // namespace

void check_job_rules(const Value& spec, const Value& name, Findings& findings) {
  for (const std::string_view field : {"parallelism", "completions", "activeDeadlineSeconds",
                                       "backoffLimit", "ttlSecondsAfterFinished"})
    check_at_least_zero(spec[field], findings);
  if (spec["parallelism"].integer().value_or(0) > most_parallel)
    findings.invalid(spec["parallelism"], "must be at most 1000 on one machine");
  check_choice(spec["completionMode"], completion_modes, findings);
  check_indexed(spec, name, findings);
  check_choice(spec["podReplacementPolicy"], replacements, findings);
  check_failure_policy(spec, findings);
  check_success_policy(spec, findings);
  const Value selector = spec["selector"];
  const bool manual = spec["manualSelector"].truth().value_or(false);
  if (selector.present() && !manual) findings.invalid(selector, "`selector` not auto-generated");
  if (!selector.present() && manual) findings.required(selector);
  check_label_selector(selector, findings);
  const Value pod_template = spec["template"];
  check_template(pod_template, findings);
  if (!pod_template.present()) return;
  const Value policy = pod_template["spec"]["restartPolicy"];
  if (policy.text().empty() || policy.is("Always"))
    findings.required(policy, "valid values: \"OnFailure\", \"Never\"");
  else if (!contains(job_policies, policy.text()))
    findings.unsupported(policy, job_policies);
}

void check_cron_job_rules(const Value& object, Findings& findings) {
  const Value name = object["metadata"]["name"];
  if (name.text().size() > longest_cron_job_name)
    findings.invalid(name, "must be no more than 52 characters");
  const Value spec = object["spec"];
  const Value schedule = spec["schedule"];
  if (check_required(schedule, findings)) {
    if (schedule.text().find("TZ=") != std::string_view::npos)
      findings.invalid(schedule,
                       "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
    else if (const auto fault = schedule_fault(schedule.text()); !fault.empty())
      findings.invalid(schedule, fault);
  }
  check_choice(spec["concurrencyPolicy"], concurrencies, findings);
  for (const std::string_view field :
       {"startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"})
    check_at_least_zero(spec[field], findings);
  const Value job = spec["jobTemplate"];
  if (!job.present()) {
    findings.required(job);
    return;
  }
  check_labels(job["metadata"]["labels"], findings);
  check_annotations(job["metadata"]["annotations"], findings);
  if (job["spec"]["manualSelector"].truth().value_or(false))
    findings.unsupported(job["spec"]["manualSelector"], no_manual_selector);
  check_job_rules(job["spec"], name, findings);
}

}  // namespace pausa::pod
