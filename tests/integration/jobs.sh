#!/usr/bin/env bash
# Jobs and CronJobs: pods that come as others end, whoever is killed in between.
# Fields: Job.apiVersion Job.kind Job.metadata Job.spec JobSpec.template JobSpec.completions JobSpec.parallelism
# Fields: JobSpec.backoffLimit JobSpec.backoffLimitPerIndex JobSpec.maxFailedIndexes JobSpec.activeDeadlineSeconds
# Fields: JobSpec.completionMode JobSpec.suspend JobSpec.ttlSecondsAfterFinished
# Fields: JobSpec.podFailurePolicy PodFailurePolicy.rules PodFailurePolicyRule.action PodFailurePolicyRule.onExitCodes
# Fields: PodFailurePolicyOnExitCodesRequirement.containerName PodFailurePolicyOnExitCodesRequirement.operator PodFailurePolicyOnExitCodesRequirement.values
# Fields: JobSpec.successPolicy SuccessPolicy.rules SuccessPolicyRule.succeededCount SuccessPolicyRule.succeededIndexes
# Fields: CronJob.apiVersion CronJob.kind CronJob.metadata CronJob.spec CronJobSpec.jobTemplate JobTemplateSpec.metadata JobTemplateSpec.spec
# Fields: CronJobSpec.successfulJobsHistoryLimit CronJobSpec.failedJobsHistoryLimit
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# job NAME SPEC COMMAND [RESTART-POLICY]
job() {
  manifest "$1" <<EOF
apiVersion: batch/v1
kind: Job
metadata: {name: $1}
spec:
  $2
  template:
    spec:
      restartPolicy: ${4:-Never}
      containers:
      - {name: c, image: busybox, command: ["sh", "-c", "$3"]}
EOF
}
no_keeper() { [[ -z $(keeper "$1") ]]; }
no_pods() { [[ -z $(pausa ps -a -q) ]]; }
status() { pausa inspect "job/$1" | jq -r ".status | $2"; }
status_becomes() { [[ $(status "$1" "$2") == "$3" ]]; }
keeper() {
  local process
  for process in /proc/[0-9]*; do
    [[ $(process_name "${process#/proc/}") == pausa-job ]] || continue
    tr '\0' '\n' <"$process/environ" | grep -qxF "PAUSA_RUNROOT=$PAUSA_RUNROOT" || continue
    tr '\0' '\n' <"$process/cmdline" | grep -qxF "$1" && echo "${process#/proc/}"
  done 2>/dev/null
  return 0
}

# ---- one pod, once

file=$(job one 'backoffLimit: 0' 'echo hello')
expect_exit 0 pausa up --wait "$file"
same "up tells of the Job" job/one "$output"
same "its pod" one-1 "$(pausa ps -a -q)"
same "what it wrote" hello "$(pausa logs job/one)"
same "its condition" "Complete CompletionsReached" "$(status one '.conditions[-1] | "\(.type) \(.reason)"')"
expect_exit 0 pausa wait job/one
same "wait prints its code" 0 "$output"
eventually "nobody keeps a Job that has finished" no_keeper one
expect_exit 0 pausa wait --for=condition=complete job/one
expect_exit 1 pausa wait --for=condition=failed job/one
# Run again, as up does with a pod that has ended.
expect_exit 1 pausa diff "$file"
match "it is run again" "$output" 'job/one: run again'
expect_exit 0 pausa up --wait "$file"
same "one pod, again" one-1 "$(pausa ps -a -q)"
expect_exit 0 pausa down "$file"
same "down removes Job and pods" "" "$(pausa ps -a -q)"
expect_exit 4 pausa inspect job/one

# ---- attached: the logs, and the exit code

file=$(job good 'backoffLimit: 0' 'echo fine')
expect_exit 0 timeout -s KILL 60 "$PAUSA" up --attach "$file"
same "attached, what it wrote" fine "$output"
match "attached, its end" "$errors" 'job good is complete'
expect_exit 0 pausa down job/good
file=$(job bad 'backoffLimit: 0' 'echo wrong; exit 3')
expect_exit 1 timeout -s KILL 60 "$PAUSA" up --attach "$file"
match "attached, why it failed" "$errors" 'BackoffLimitExceeded'
expect_exit 1 pausa up --wait "$file"
expect_exit 0 pausa wait job/bad
same "wait prints the code of a Job that failed" 1 "$output"
expect_exit 0 pausa down job/bad

# ---- completions, so many at a time; kill -9 of the keeper loses nothing

file=$(job many $'completions: 5\n  parallelism: 2' 'until [ -e /go/on ]; do usleep 20000; done; sleep 0.3; echo done')
mkdir "$work/go"
sed -i "s|^      containers:|      volumes: [{name: go, hostPath: {path: $work/go}}]\n&|; s|image: busybox,|& volumeMounts: [{name: go, mountPath: /go}],|" "$file"
expect_exit 0 pausa up -d "$file"
eventually "two at a time" status_becomes many .active 2
works() { [[ -n $(keeper many) ]]; }
eventually "its keeper works" works
for pid in $(keeper many); do kill -KILL "$pid" 2>/dev/null || true; done
touch "$work/go/on"
while [[ $(status many .succeeded) != 5 ]]; do
  for pid in $(keeper many); do
    kill -KILL "$pid" 2>/dev/null || true
  done
done
expect_exit 0 pausa wait --for=condition=complete --timeout 60s job/many
same "five pods have succeeded, none twice" 5 "$(pausa ps -a -q job/many | wc -l)"
same "none has failed" 0 "$(status many .failed)"
expect_exit 0 pausa down job/many

# ---- failures: back-off and limits

file=$(job flaky 'backoffLimit: 2' 'exit 1')
expect_exit 1 pausa up --wait --restart-backoff 20ms "$file"
same "three pods have failed" 3 "$(status flaky .failed)"
same "and were kept" "flaky-1 flaky-2 flaky-3" "$(pausa ps -a -q | paste -sd ' ')"
expect_exit 0 pausa down job/flaky
file=$(job restarts 'backoffLimit: 2' 'exit 1' OnFailure)
expect_exit 1 pausa up --wait --restart-backoff 20ms "$file"
same "with OnFailure it is one pod" restarts-1 "$(pausa ps -a -q)"
same "its reason" BackoffLimitExceeded "$(status restarts '.conditions[-1].reason')"
expect_exit 0 pausa down job/restarts
file=$(job late 'activeDeadlineSeconds: 1' 'trap exit TERM; sleep 3600 & wait')
expect_exit 1 pausa up --wait "$file"
same "a deadline ends it" DeadlineExceeded "$(status late '.conditions[-1].reason')"
expect_exit 0 pausa down job/late
file=$(job broken 'backoffLimit: 0' 'true')
sed -i 's/command: \[.*\]/command: ["no-such-program"]/' "$file"
expect_exit 1 pausa up -d "$file"
match "up tells what cannot be started" "$errors" 'no-such-program'
expect_exit 0 pausa down job/broken

# ---- indexed

file=$(job index $'completions: 3\n  parallelism: 3\n  completionMode: Indexed' \
  'echo $JOB_COMPLETION_INDEX $(hostname)')
expect_exit 0 pausa up --wait "$file"
for index in 0 1 2; do
  same "index $index knows its number and name" "$index index-$index" "$(pausa logs "index-$index-1")"
  same "its annotation" "$index" \
    "$(field "index-$index-1" '.metadata.annotations["batch.kubernetes.io/job-completion-index"]')"
done
same "the indexes that are done" 0-2 "$(status index .completedIndexes)"
expect_exit 0 pausa down "$file"
file=$(job partly $'completions: 3\n  parallelism: 3\n  completionMode: Indexed\n  backoffLimitPerIndex: 1' \
  'test $JOB_COMPLETION_INDEX != 1')
expect_exit 1 pausa up --wait --restart-backoff 20ms "$file"
same "one index has failed" 1 "$(status partly .failedIndexes)"
same "the others have not" 0,2 "$(status partly .completedIndexes)"
expect_exit 0 pausa down "$file"

# ---- policies

file=$(job policy $'backoffLimit: 6\n  podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {containerName: c, operator: In, values: [42]}}]}' 'exit 42')
expect_exit 1 pausa up --wait "$file"
same "an exit code that fails the Job at once" "PodFailurePolicy 1" \
  "$(status policy '"\(.conditions[-1].reason) \(.failed)"')"
expect_exit 0 pausa down "$file"
file=$(job enough $'completions: 3\n  parallelism: 3\n  completionMode: Indexed\n  successPolicy: {rules: [{succeededIndexes: \'0\', succeededCount: 1}]}' \
  'trap exit TERM; if [ $JOB_COMPLETION_INDEX != 0 ]; then sleep 3600 & wait; fi')
expect_exit 0 pausa up --wait "$file"
same "one index was enough" "SuccessPolicy" "$(status enough '.conditions[-1].reason')"
expect_exit 0 pausa down "$file"

# ---- suspend, changes, removal by itself

file=$(job held 'suspend: true' 'trap exit TERM; sleep 3600 & wait')
expect_exit 0 pausa up -d "$file"
same "no pod runs" "" "$(pausa ps -a -q)"
expect_exit 0 pausa wait --for=condition=suspended job/held
sed -i 's/suspend: true/suspend: false/' "$file"
expect_exit 0 pausa up -d "$file"
same "it goes on" held-1 "$(pausa ps -q)"
expect_exit 0 pausa diff "$file"
expect_exit 0 pausa up -d "$file"
same "a second up keeps it" held-1 "$(pausa ps -q)"
sed -i 's/sleep 3600/sleep 3601/' "$file"
expect_exit 0 pausa up -d "$file"
match "another template makes it anew" "$errors" 'job/held: recreate \(spec.template changed\)'
expect_exit 0 pausa down "$file"
file=$(job brief 'ttlSecondsAfterFinished: 0' 'true')
expect_exit 0 pausa up -d "$file"
eventually "a Job whose time is over goes by itself" bash -c "! '$PAUSA' inspect job/brief"
eventually "with its pods" no_pods

# ---- a CronJob

file=$(manifest nightly <<'EOF'
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  successfulJobsHistoryLimit: 1
  failedJobsHistoryLimit: 0
  jobTemplate:
    metadata: {labels: {kind: nightly}}
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
          - {name: c, image: busybox, command: ["echo", "swept"]}
EOF
)
expect_exit 4 pausa run-job nightly
expect_exit 0 pausa up -d "$file"
same "up keeps it" cronjob/nightly "$output"
match "a note says that no clock runs" "$errors" 'note.*no clock runs here: pausa run-job NAME starts it'
expect_exit 0 timeout -s KILL 60 "$PAUSA" run-job --attach nightly
same "run-job follows its Job" swept "$output"
expect_exit 0 pausa run-job --wait --name=extra cronjob/nightly
same "run-job tells the Job's name" job/extra "$output"
same "its labels" nightly "$(pausa inspect job/extra | jq -r .metadata.labels.kind)"
expect_exit 0 pausa run-job --wait --name=last nightly
expect_exit 4 pausa inspect job/nightly-1
expect_exit 0 pausa inspect job/extra
expect_exit 0 pausa down "$file"
expect_exit 4 pausa inspect job/extra
expect_exit 4 pausa inspect cronjob/nightly
same "all of it is gone" "" "$(pausa ps -a -q)"

# ---- --prune: what a file brought and no longer names

{ cat "$file"; echo ---; cat "$work/many.yaml"; } >"$work/set.yaml"
expect_exit 0 pausa up -d "$work/set.yaml"
expect_exit 0 pausa run-job --wait --name=ran nightly
job stays 'backoffLimit: 0' 'true' >/dev/null
expect_exit 0 pausa up -d --prune "$work/stays.yaml"
expect_exit 0 pausa inspect job/many
mv "$work/stays.yaml" "$work/set.yaml"
expect_exit 1 pausa diff --prune "$work/set.yaml"
match "diff tells" "$output" $'job/many: remove\njob/ran: remove\ncronjob/nightly: remove'
expect_exit 0 pausa up -d --prune "$work/set.yaml"
match "it is told" "$errors" $'job/many: remove\n.*job/ran: remove\n.*cronjob/nightly: remove'
for gone in job/many job/ran cronjob/nightly; do expect_exit 4 pausa inspect "$gone"; done
expect_exit 0 pausa inspect job/stays
expect_exit 0 pausa down job/stays
eventually "nothing is left" nothing_remains
