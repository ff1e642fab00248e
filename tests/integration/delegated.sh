#!/usr/bin/env bash
# Limits without root: in a part of cgroup v2 that was delegated to the user, as systemd does it
# with user@.service.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
[[ " $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null) " == *" memory "* ]] ||
  skip "cgroup v2 has no memory controller here"

delegated=/sys/fs/cgroup/pausa-test-$$.service
session=$delegated/session.scope
for name in cpu memory pids; do echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control; done
mkdir -p "$session"
chown $uid "$delegated"{,/cgroup.procs,/cgroup.subtree_control} "$session"{,/cgroup.procs}
end_delegated() {
  local status=$?
  (exit "$status")
  (end_all)
  status=$?
  rmdir "$session" "$delegated" || status=1
  exit "$status"
}
trap end_delegated EXIT
in_session() { # COMMAND…: as the user, in the session's group
  (
    echo $BASHPID >"$session/cgroup.procs"
    mine "$@"
  )
}

expect_exit 0 in_session up -d "$(
  manifest limited <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: limited
spec:
  restartPolicy: Never
  containers:
    - name: bounded
      image: busybox
      command: ["sleep", "3600"]
      resources: {limits: {memory: 64Mi, cpu: 250m}}
    - name: hungry
      image: busybox
      command: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]
      resources: {limits: {memory: 16Mi}}
YAML
)"
group=$(awk -F: '$1 == 0 { print $3 }' "/proc/$(pid_of limited bounded)/cgroup")
match "the member is in the delegated part" "$group" "^/pausa-test-$$.service/pausa/.*/bounded$"
same "memory" $((64 << 20)) "$(<"/sys/fs/cgroup$group/memory.max")"
read -r quota period <"/sys/fs/cgroup$group/cpu.max"
same "a quarter of a CPU" 4 $((period / quota))
ended() { [[ $(value limited '.status.containerStatuses[1].state.terminated.reason') == OOMKilled ]]; }
eventually "hungry is killed for its memory" ended

# A supervisor that the guard starts is where the old one was.
supervisor=$(value limited .pausa.supervisor.pid)
kill -KILL "$supervisor"
replaced() { [[ $(value limited .pausa.supervisor.pid) != "$supervisor" ]]; }
eventually "the supervisor comes back" replaced
expect_exit 0 in_session exec limited/bounded cat /proc/self/cgroup
match "exec joins the group" "$output" '^0::/'
expect_exit 0 in_session restart limited/bounded
same "a restarted member keeps its limit" $((64 << 20)) "$(<"/sys/fs/cgroup$group/memory.max")"
expect_exit 0 in_session down limited
eventually "nothing is left" nobody_left
check "no group either" test ! -e "$delegated/pausa"
