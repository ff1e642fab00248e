#!/usr/bin/env bash
# pausa up that stays: the logs of all pods, their exit code, and an interrupt that ends them.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

job() {
  manifest "$1" <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: $1
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 60
  containers:
    - {name: one, image: busybox, command: ['sh', '-c', '$2']}
    - {name: two, image: busybox, command: ["sh", "-c", "printf 'an open end'"]}
YAML
}

# To its end.
expect_exit 7 pausa up --attach "$(job brief 'echo out; echo err >&2; exit 7')"
trace brief
same "prefixed logs of all, each line whole" $'one | err\none | out\ntwo | an open end' \
  "$(sort <<<"$output")"
match "the end is told on stderr" "$errors" 'brief has ended with exit code 7'
expect_exit 0 pausa logs brief
match "an ended pod stays for logs" "$output" 'one \| out'
expect_exit 0 pausa up --attach -q "$(job calm 'echo quiet')"
same "-q says nothing" '' "$errors"
expect_exit 0 pausa down --all

# Two pods: whose line it is stands before it; the first failing code counts.
expect_exit 4 pausa up --attach "$(job left 'echo l')" "$(job right 'echo r; exit 4')"
match "the pod's name is in the prefix" "$output" 'right/one \| r'
expect_exit 0 pausa down --all

# Colours on a terminal only, the same for the same name.
on_terminal "$PAUSA" up "$(job tinted 'echo c')"
match "coloured on a terminal" "$output" $'\x1b\\[[0-9]+mone \\|\x1b\\[0m c'
NO_COLOR=1 on_terminal "$PAUSA" logs tinted
check "NO_COLOR is honoured" test -z "$(grep $'\x1b' <<<"$output")"
expect_exit 0 pausa down --all

# An interrupt stops and removes: politely at first, at once the second time.
start_attached() {
  "$PAUSA" up --attach "$1" >"$work/shown" 2>"$work/told" </dev/null &
  attached=$!
  eventually "$2 is shown" grep -q "$2" "$work/shown"
  eventually "the start is over" grep -q ' runs;' "$work/told" # until then a kill takes it back
}
interrupted() {
  local result=0
  wait $attached || result=$?
  same "interrupted" 130 $result
  expect_exit 4 pausa inspect "$1"
}
start_attached "$(job polite 'trap "echo tidied up; exit 0" TERM; echo ready; sleep 3600 & wait')" ready
trace polite
kill -TERM $attached
interrupted polite
match "what it writes while it stops is shown" "$(<"$work/shown")" 'tidied up'

start_attached "$(job stubborn 'trap "echo no" TERM; echo ready; while true; do sleep 0.1; done')" ready
trace stubborn
begin=$(now_ms)
kill -TERM $attached
eventually "the first is resisted" grep -q no "$work/shown"
check "and waited out" alive $attached
kill -TERM $attached
interrupted stubborn
between "the second kills" 0 $(($(now_ms) - begin)) 30000
eventually "nothing is left" nothing_remains

# The pod outlives a command line that is killed.
start_attached "$(job orphan 'echo ready; sleep 3600')" ready
trace orphan
kill -KILL $attached
wait $attached || true
same "it runs on" Running "$(phase orphan)"
expect_exit 0 pausa down -t 0 orphan

# --wait
expect_exit 0 pausa up --wait --timeout 60s "$(three steady)"
expect_exit 124 pausa up --wait --timeout 3s "$(
  manifest never <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: never
spec:
  initContainers:
    - {name: first, image: busybox, command: ["sleep", "3600"]}
  containers:
    - {name: app, image: busybox, command: ["sleep", "3600"]}
YAML
)"
match "what is missing is named" "$errors" 'never.*first runs.*app waits'
expect_exit 0 pausa down -t 0 --all

# --explain comes from the executed plan.
expect_exit 0 pausa up -d --explain "$(three told)"
for step in 'clone' 'setns\(' 'mount' 'execve' 'container a' 'container c'; do
  match "--explain tells of $step" "$output" "$step"
done
match "and of infra, which comes first" "$output" '^infra.*CLONE_NEWPID.*container a'
expect_exit 0 pausa down -t 0 --all
eventually "nothing is left in the end" nothing_remains
