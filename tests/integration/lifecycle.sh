#!/usr/bin/env bash
# Restart policies, init containers, stop, start and restart.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# OnFailure restarts until it ends with 0, and counts.
up --restart-backoff 20ms "$(
  manifest retry <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: retry
spec:
  restartPolicy: OnFailure
  volumes: [{name: memo, emptyDir: {}}]
  containers:
    - name: flaky
      image: busybox
      command: ["sh", "-c", "echo x >> /memo/runs; echo run $(wc -l < /memo/runs); [ $(wc -l < /memo/runs) -ge 4 ]"]
      volumeMounts: [{name: memo, mountPath: /memo}]
YAML
)"
eventually "the member that fails three times ends well" field_is retry .status.phase Succeeded
same "three restarts" 3 "$(status_of retry flaky .restartCount)"
same "the last state is kept" 1 "$(status_of retry flaky .lastState.terminated.exitCode)"
expect_exit 0 pausa logs retry/flaky
match "logs show the last run" "$output" 'run 4'
expect_exit 0 pausa logs --previous retry/flaky
match "and --previous the one before" "$output" 'run 3'

# Never does not.
up "$(
  manifest never <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: never
spec:
  restartPolicy: Never
  containers:
    - {name: good, image: busybox, command: ["true"]}
    - {name: bad, image: busybox, command: ["sh", "-c", "exit 9"]}
YAML
)"
eventually "one failed member makes the pod Failed" field_is never .status.phase Failed
same "no restart" 0 "$(status_of never bad .restartCount)"
same "its code is kept" 9 "$(status_of never bad .state.terminated.exitCode)"
same "the reason is Kubernetes'" Error "$(status_of never bad .state.terminated.reason)"
same "and for the good one" Completed "$(status_of never good .state.terminated.reason)"

# Always restarts what ends with 0, with the back-off of the kubelet.
up "$(
  manifest always <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: always
spec:
  containers:
    - {name: brief, image: busybox, command: ["sh", "-c", "echo once"]}
    - {name: steady, image: busybox, command: ["sleep", "3600"]}
YAML
)"
eventually "it waits for its restart" status_is always brief .state.waiting.reason CrashLoopBackOff
steady=$(member_pid always steady)
infra=$(infra_pid always)

# A member that is killed is started again in the same namespaces; the others do not notice.
up --restart-backoff 20ms "$(three killed)"
before=$(member_pid killed a)
network=$(ns "$(infra_pid killed)" net)
kill -KILL "$before"
eventually "the killed member is back" status_is killed a .restartCount 1
eventually "and runs" status_is killed a '.state.running != null' true
after=$(member_pid killed a)
differs "as a new process" "$before" "$after"
same "in the same network namespace" "$network" "$(ns "$after" net)"
same "137 is remembered" 137 "$(status_of killed a .lastState.terminated.exitCode)"
same "the neighbours of the other pod live on" "$steady $infra" \
  "$(member_pid always steady) $(infra_pid always)"

# Init containers: in order, and a failing one keeps the others from starting.
run pausa up -d "$(
  manifest blocked <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: blocked
spec:
  restartPolicy: Never
  initContainers:
    - {name: first, image: busybox, command: ["sh", "-c", "echo first"]}
    - {name: second, image: busybox, command: ["sh", "-c", "echo second; exit 5"]}
    - {name: third, image: busybox, command: ["sh", "-c", "echo third"]}
  containers:
    - {name: app, image: busybox, command: ["sh", "-c", "echo app"]}
YAML
)"
eventually "a failed init container fails the pod" field_is blocked .status.phase Failed
same "the one before it is Completed" Completed \
  "$(status_of blocked first .state.terminated.reason)"
same "its own code is kept" 5 "$(status_of blocked second .state.terminated.exitCode)"
same "the next never started" PodInitializing "$(status_of blocked third .state.waiting.reason)"
same "nor did the app" PodInitializing "$(status_of blocked app .state.waiting.reason)"
expect_exit 0 pausa logs blocked/second
same "their logs are kept" second "$output"

# stop, start, restart: the pod stays, its volumes too.
up "$(three cycle)"
processes="$(infra_pid cycle) $(member_pid cycle a) $(member_pid cycle c)"
expect_exit 0 pausa stop cycle
for process in $processes; do eventually "a stopped pod has no process" dead "$process"; done
run pausa ps
check "a stopped pod is not listed by ps" test -z "$(grep -w cycle <<<"$output")"
run pausa ps -a
match "but by ps -a" "$output" 'cycle'
expect_exit 0 pausa start cycle
eventually "started, it runs" field_is cycle .status.phase Running
trace cycle
before=$(member_pid cycle a)
expect_exit 0 pausa restart cycle
eventually "restarted, it runs" field_is cycle .status.phase Running
trace cycle
differs "with new processes" "$before" "$(member_pid cycle a)"
expect_exit 0 pausa down cycle
expect_exit 4 pausa inspect cycle

# stdin: true is a pipe without an end as long as nobody is attached, else it is /dev/null; tty: true
# is a terminal of the container's own.
file=$(
  manifest streams <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: streams
spec:
  restartPolicy: Never
  containers:
    - {name: reads, image: busybox, command: ["cat"], stdin: true}
    - {name: empty, image: busybox, command: ["cat"]}
    - {name: terminal, image: busybox, command: ["tty"], tty: true}
YAML
)
up "$file"
eventually "cat of no stdin ends at once" status_is streams empty .state.terminated.exitCode 0
eventually "a terminal is one" status_is streams terminal .state.terminated.exitCode 0
expect_exit 0 pausa logs streams/terminal
match "the first of the container's own" "$output" '^/dev/pts/0'
same "cat of an open stdin waits" true "$(status_of streams reads '.state.running != null')"
pid=$(field streams .pausa.supervisor.pid)
kill -KILL "$pid"
another_supervisor() {
  local now
  now=$(field streams .pausa.supervisor.pid)
  [[ $now != "$pid" ]] && alive "$now"
}
eventually "the supervisor is replaced" another_supervisor
same "and cat still waits" true "$(status_of streams reads '.state.running != null')"
expect_exit 0 pausa down streams

# Sysctls of the pod's own namespaces that Kubernetes does not call safe need leave.
file=$(
  manifest sysctls <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: sysctls
spec:
  securityContext:
    sysctls: [{name: net.core.somaxconn, value: "77"}]
  containers:
    - {name: a, image: busybox, command: ["sleep", "3600"]}
YAML
)
expect_exit 3 pausa up -d "$file"
match "the flag is named or the reason" "$errors" 'net.core.somaxconn'
expect_exit 0 pausa up -d --allow-unsafe-sysctls=net.core.* "$file"
expect_exit 0 pausa exec sysctls/a cat /proc/sys/net/core/somaxconn
same "the sysctl is set in the pod" 77 "$output"
expect_exit 0 pausa down sysctls
