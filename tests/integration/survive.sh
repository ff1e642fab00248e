#!/usr/bin/env bash
# kill -9 of supervisor, guard and infra while members log and end: nothing is lost, nothing is told
# twice, exit codes are kept.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

supervisor() { field "$1" .pausa.supervisor.pid; }
guard() { field "$1" .pausa.guard.pid; }
replaced() { # POD OLD: another supervisor runs
  local now
  now=$(supervisor "$1")
  echo "supervisor is $now, was $2"
  [[ $now != "$2" ]] && alive "$now"
}

lines=300000
if [[ -n ${PAUSA_TEST_SLOW:-} ]]; then lines=20000; fi # an emulated machine
loggers=$(
  manifest loggers <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: loggers
spec:
  restartPolicy: Never
  volumes: [{name: go, emptyDir: {}}]
  containers:
    - name: fast
      image: busybox
      command: &log
        - sh
        - -c
        - |
          i=0
          while [ \$i -lt $lines ]; do i=\$((i + 1)); echo "line \$i"; done
          exit 21
    - {name: second, image: busybox, command: *log}
    - name: slow
      image: busybox
      command:
        - sh
        - -c
        - |
          i=0
          until [ -e /go/on ]; do i=\$((i + 1)); echo "line \$i"; sleep 0.01; done
          echo "end after \$i"
          exit 22
      volumeMounts: [{name: go, mountPath: /go}]
YAML
)
up "$loggers"
infra=$(infra_pid loggers)
kills=0
while ((kills < 25)); do
  pid=$(supervisor loggers)
  kill -KILL "$pid"
  kills=$((kills + 1))
  eventually "the guard starts another supervisor" replaced loggers "$pid"
done
same "infra never noticed" "$infra" "$(infra_pid loggers)"
expect_exit 0 pausa exec loggers/slow touch /go/on
PATIENCE=120
eventually "slow has ended" status_is loggers slow '.state.terminated != null' true
for member in fast second; do
  eventually "$member has ended" status_is loggers $member '.state.terminated != null' true
done
unset PATIENCE
same "exit codes are kept" "21 21 22" "$(
  for member in fast second slow; do
    status_of loggers $member .state.terminated.exitCode
  done | xargs
)"
for member in fast second; do
  pausa logs loggers/$member >"$work/log" </dev/null
  check "$member: every line once, in order" cmp -s <(seq -f 'line %.0f' $lines) "$work/log"
done
expect_exit 0 pausa logs loggers/slow
lines=${output##*end after }
same "slow: every line once, in order" "$(seq -f 'line %.0f' "$lines")"$'\n'"end after $lines" "$output"
expect_exit 0 pausa down loggers

# Infra remembers how a member ended until that stands in the record. Here it cannot be written: the
# supervisor ends with the news, and the next one hears it again.
run_root=$PAUSA_RUNROOT
mkdir "$run_root/small"
if mount -t tmpfs -o size=1m pausa-test "$run_root/small" 2>/dev/null; then
  end_small() {
    PAUSA_RUNROOT=$run_root/small/run "$PAUSA" reset --yes
    PAUSA_RUNROOT=$run_root
    umount --lazy "$run_root/small"
    rmdir "$run_root/small"
  } >/dev/null 2>&1
  at_end end_small
  export PAUSA_RUNROOT=$run_root/small/run
  up "$(
    manifest unwritten <<YAML
apiVersion: v1
kind: Pod
metadata: {name: unwritten}
spec:
  restartPolicy: Never
  containers:
    - {name: stays, image: busybox, command: ["sleep", "3600"]}
    - {name: ends, image: busybox, command: ["sh", "-c", "trap 'exit 21' USR1; echo ready; while :; do sleep 0.02; done"]}
YAML
  )"
  ready() { pausa logs unwritten/ends | grep -q ready; }
  eventually "it has its trap" ready
  pid=$(supervisor unwritten)
  member=$(member_pid unwritten ends)
  dd if=/dev/zero of="$run_root/small/fill" bs=1k 2>/dev/null || true
  kill -USR1 "$member"
  eventually "the member ends" dead "$member"
  eventually "and the supervisor, which cannot keep it" dead "$pid"
  rm "$run_root/small/fill"
  well() { pausa ps >/dev/null 2>&1; } # which begins another supervisor, too
  eventually "there is room again" well
  eventually "its exit code is not lost" status_is unwritten ends .state.terminated.exitCode 21
  expect_exit 0 pausa down unwritten
  PAUSA_RUNROOT=$run_root
  eventually "nobody holds the run folder" umount "$run_root/small"
  rmdir "$run_root/small"
else
  echo "skipped: a run folder that is full: cannot mount a tmpfs here"
  rmdir "$run_root/small"
fi

# Restarts go on after the supervisor's death, and the count survives it.
up --restart-backoff 20ms "$(three steady)"
kill -KILL "$(member_pid steady a)"
eventually "a is restarted" status_is steady a .restartCount 1
pid=$(supervisor steady)
kill -KILL "$pid"
kill -KILL "$(member_pid steady b)"
eventually "another supervisor runs" replaced steady "$pid"
eventually "b, which died meanwhile, is restarted" status_is steady b .restartCount 1
same "the count of a is kept" 1 "$(status_of steady a .restartCount)"

all_ready() { field_is steady '.status.containerStatuses | map(select(.ready)) | length' 3; }
eventually "all of them run" all_ready

# Guard and supervisor both: members live on, the next command adopts the pod.
pid=$(supervisor steady)
members="$(member_pid steady a) $(member_pid steady c)"
kill -KILL "$(guard steady)" "$pid"
for member in $members; do check "a member lives on" alive "$member"; done
expect_exit 0 pausa ps
eventually "a command is enough to have a supervisor again" replaced steady "$pid"
same "the same members" "$members" "$(member_pid steady a) $(member_pid steady c)"
trace steady
kill -KILL "$(member_pid steady c)"
eventually "and restarts go on" status_is steady c .restartCount 1
eventually "all of them run" all_ready
expect_exit 0 pausa exec steady/c true

# Infra: the whole pod goes at once, and comes back by its restart policy.
infra=$(infra_pid steady)
members="$(member_pid steady a) $(member_pid steady b) $(member_pid steady c)"
kill -KILL "$infra"
for member in $members; do eventually "no member outlives infra" dead "$member"; done
rebuilt() {
  local now
  now=$(infra_pid steady)
  echo "infra is $now, was $infra"
  [[ $now != "$infra" && $now != null ]] && alive "$now"
}
eventually "restartPolicy Always rebuilds the pod" rebuilt
eventually "with all its members" all_ready
trace steady
expect_exit 0 pausa down steady

up "$(three once 'restartPolicy: Never')"
infra=$(infra_pid once)
kill -KILL "$infra"
eventually "restartPolicy Never does not" field_is once .status.phase Failed
expect_exit 0 pausa down once
eventually "nothing is left" nothing_remains
