#!/usr/bin/env bash
# wait, restart of one container, rm, events, and logs over restarts.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# wait for what does not exist yet.
file=$(three late)
"$PAUSA" wait --for=ready --timeout 60s late >"$work/waited" </dev/null &
waiter=$!
up "$file"
check "wait --for=ready sees a pod come" wait $waiter
same "and names it" pod/late "$(<"$work/waited")"
expect_exit 2 pausa wait --for=nonsense late
expect_exit 4 pausa wait absent
expect_exit 4 pausa wait late/absent
expect_exit 124 pausa wait --for=deleted --timeout 100ms late
match "the unmet condition is named" "$errors" 'not deleted'

# Conditions as kubectl spells them, and lines of a log, also of a pod that comes later.
expect_exit 0 pausa wait --for=running late
expect_exit 0 pausa wait --for=condition=ready late
expect_exit 124 pausa wait --for=condition=Ready=False --timeout 100ms late
match "what is so instead is named" "$errors" 'Ready is True'
expect_exit 124 pausa wait --for='log=no such line' --timeout 100ms late
expect_exit 2 pausa wait --for='log=(' late
"$PAUSA" wait --for='log=port [0-9]+ open' --timeout 60s talker/b >"$work/heard" </dev/null &
waiter=$!
up "$(
  manifest talker <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: talker
spec:
  restartPolicy: Never
  containers:
    - {name: a, image: busybox, command: ["sh", "-c", "echo port 1 open; sleep 1000"]}
    - {name: b, image: busybox, command: ["sh", "-c", "until [ -e /go ]; do sleep 0.02; done; echo port 23 open"]}
YAML
)"
expect_exit 124 pausa wait --for='log=port 23' --timeout 100ms talker
expect_exit 0 pausa exec talker/b touch /go
check "wait --for=log sees the line" wait $waiter
expect_exit 0 pausa wait --for='log=port 1 open' talker

# A port inside the pod, also of one that is not there yet.
"$PAUSA" wait --for=port=8080 --timeout 60s server >"$work/heard" </dev/null &
waiter=$!
"$PAUSA" wait --for=ready server/absent >/dev/null 2>"$work/absent" </dev/null &
mistaken=$!
up "$(
  manifest server <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: server
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: a
      image: busybox
      command: ["sh", "-c", "until [ -e /go ]; do sleep 0.02; done; httpd -p 8080; exec httpd -f -p [::1]:8081"]
YAML
)"
result=0
wait $mistaken || result=$?
same "a container that the pod does not have" 1 $result
match "it is named" "$(<"$work/absent")" 'no container absent'
expect_exit 124 pausa wait --for=port=8080 --timeout 100ms server
match "the unmet condition is named" "$errors" 'nothing takes connections at port 8080'
expect_exit 124 pausa wait --for=port=8080 --timeout 100ms nobody
match "nor is there a pod" "$errors" 'no such pod'
expect_exit 0 pausa exec server/a touch /go
check "wait --for=port sees the server come" wait $waiter
same "and names the pod" pod/server "$(<"$work/heard")"
expect_exit 0 pausa wait --for=port=8081 --timeout 60s server
expect_exit 2 pausa wait --for=port=http server
expect_exit 2 pausa wait --for=port=0 server
expect_exit 0 pausa stop server
expect_exit 1 pausa wait --for=port=8080 server
expect_exit 0 pausa down server

expect_exit 0 pausa stop -t 0 talker
expect_exit 1 pausa wait --for='log=port 99' talker
expect_exit 0 pausa down talker

# One container is restarted in the living pod.
before_a=$(member_pid late a) before_b=$(member_pid late b) infra=$(infra_pid late)
expect_exit 0 pausa restart late/b
differs "a new process" "$before_b" "$(member_pid late b)"
same "its neighbour and infra stay" "$before_a $infra" "$(member_pid late a) $(infra_pid late)"
same "counted" 1 "$(status_of late b .restartCount)"
trace late
expect_exit 4 pausa restart late/absent

# rm spares what runs; wait --for=deleted sees the end.
expect_exit 1 pausa rm late
match "it says why" "$errors" 'late runs'
"$PAUSA" wait --for=deleted late >/dev/null </dev/null &
waiter=$!
expect_exit 0 pausa rm -f -t 0 late
check "wait --for=deleted sees it go" wait $waiter
expect_exit 4 pausa rm late

# Exit codes of pods and of one container; a follower sees every instance, once each.
up --restart-backoff 50ms "$(
  manifest again <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: again
spec:
  restartPolicy: OnFailure
  volumes: [{name: memo, emptyDir: {}}]
  containers:
    - name: flaky
      image: busybox
      command: ["sh", "-c", "[ -e /memo/runs ] || echo begin; until [ -e /memo/go ]; do sleep 0.02; done; rm /memo/go; echo x >> /memo/runs; echo run $(wc -l < /memo/runs); [ $(wc -l < /memo/runs) -ge 5 ]"]
      volumeMounts: [{name: memo, mountPath: /memo}]
    - {name: other, image: busybox, command: ["sh", "-c", "exit 0"]}
YAML
)"
"$PAUSA" logs -f again/flaky >"$work/followed" </dev/null &
follower=$!
eventually "it follows" grep -qx begin "$work/followed"
# Of many instances only the last two leave a log: none goes on before its line has been followed.
go=$PAUSA_ROOT/pods/default_again/volumes/memo/go
for run in 1 2 3 4 5; do
  touch "$go"
  eventually "it follows run $run" grep -qx "run $run" "$work/followed"
done
expect_exit 0 pausa wait --timeout 60s again
same "the pod's exit code is printed" 0 "$output"
check "the follower ends with the pod" wait $follower
same "it has seen every run" $'begin\nrun 1\nrun 2\nrun 3\nrun 4\nrun 5' "$(<"$work/followed")"
expect_exit 0 pausa wait again/flaky
same "a container's code" 0 "$output"
expect_exit 1 pausa wait --for=ready again
match "what cannot become ready is no wait" "$errors" 'has ended'

# Started again: the same volumes, new instances, one more restart.
touch "$go"
expect_exit 0 pausa start again
trace again
expect_exit 0 pausa wait --timeout 60s again
expect_exit 0 pausa logs again/flaky
same "the volume was kept" 'run 6' "$output"
expect_exit 0 pausa logs --previous again/flaky
same "and the logs before" 'run 5' "$output"

# The history.
expect_exit 0 pausa events again
match "events tell the restarts" "$output" 'Started +again/flaky: '
expect_exit 0 pausa events -f -o json again
check "one JSON object a line" jq -e .reason <<<"$output"
expect_exit 4 pausa events absent
expect_exit 0 pausa rm again

# A pod that cannot start again stays as it was.
mkdir "$work/place"
up "$(
  manifest homeless <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: homeless
spec:
  volumes: [{name: place, hostPath: {path: $work/place, type: Directory}}]
  containers:
    - name: a
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts: [{name: place, mountPath: /place}]
YAML
)"
expect_exit 0 pausa stop homeless
rmdir "$work/place"
expect_exit 1 pausa start homeless
match "it says what is missing" "$errors" 'homeless.*place'
expect_exit 0 pausa inspect homeless
mkdir "$work/place"
expect_exit 0 pausa start homeless
trace homeless
expect_exit 0 pausa down -t 0 --all
eventually "nothing is left" nothing_remains
