#!/usr/bin/env bash
# Records that are damaged, or of another version: said with file and way out, in nobody's way, and
# nothing is lost that was not asked to go.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

record() { echo "$PAUSA_RUNROOT/pods/default_$1/pod.json"; }
# Its helpers are killed, since they would write the record anew.
forsake() {
  kill -KILL "$(field "$1" .pausa.guard.pid)" "$(field "$1" .pausa.supervisor.pid)"
}

up "$(three whole)"
up "$(three torn)"
up "$(three later)"
up "$(three alive)"
for pod in torn later; do forsake $pod; done
truncate -s 300 "$(record torn)"
sed -i 's/"version":[0-9]*/"version":99/' "$(record later)"
truncate -s 300 "$(record alive)"

expect_exit 1 pausa ps
match "the others are shown" "$output" 'whole +3/3 +Running'
match "what is damaged is said, with its file" "$errors" "pod torn: $(record torn): the record is damaged"
match "and the way out" "$errors" 'pausa rm --force torn'
match "another version is said" "$errors" "pod later: $(record later): the record has version 99"
for verb in logs events; do
  expect_exit 1 pausa $verb
  match "$verb says it, too" "$errors" "pod torn: $(record torn): the record is damaged"
  match "and of the other one" "$errors" 'pod later: .* has version 99'
done
expect_exit 1 pausa rm torn
match "rm wants to be told twice" "$errors" 'rm --force torn'
expect_exit 125 pausa exec later/a true
match "exec says it, too" "$errors" 'version 99'

expect_exit 1 pausa down --all
match "down carries on with the others" "$output" 'pod/whole'
match "a supervisor that lives knows its pod" "$output" 'pod/alive'
for pod in torn later; do
  match "down says what it leaves" "$errors" "pod $pod: $(record $pod): "
  check "nothing of it is lost" test -s "$PAUSA_ROOT/pods/default_$pod/manifest.json"
done

infra=$(jq -r .infra.pid "$(record later)")
check "its processes run on" alive "$infra"
expect_exit 0 pausa rm --force later
same "it is removed" pod/later "$output"
check "with its processes" dead "$infra"
expect_exit 0 pausa reset --yes
match "reset removes the rest" "$output" 'pod/torn'
eventually "nothing is left" nothing_remains

# A Job of which nobody can tell how far it has come.
job=$work/job.yaml
printf '%s\n' 'apiVersion: batch/v1' 'kind: Job' 'metadata: {name: once}' 'spec:' '  template:' \
  '    spec:' '      restartPolicy: Never' \
  '      containers: [{name: a, image: busybox, command: ["true"]}]' >"$job"
expect_exit 0 pausa up "$job"
truncate -s 20 "$PAUSA_ROOT/jobs/default_once/job.json"
for command in "up $job" 'inspect job/once'; do
  expect_exit 1 pausa $command
  match "$command says which file, and the way out" "$errors" \
    'jobs/default_once/job.json is damaged; pausa down job/once -n default removes it'
done
expect_exit 0 pausa down job/once -n default
match "it is removed, with its pod" "$output" $'pod/once-1\njob/once'
eventually "nothing is left" nothing_remains
