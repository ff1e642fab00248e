#!/usr/bin/env bash
# Stopping: within the grace period, in parallel, and never much longer than it.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# Members that end on SIGTERM end at once, all of them, and say so.
up "$(
  manifest polite <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: polite
spec:
  terminationGracePeriodSeconds: 30
  containers:
    - name: one
      image: busybox
      command: &polite
        - sh
        - -c
        - |
          sleep 3600 &
          trap 'kill $!; echo "tidied up"; exit 0' TERM
          echo ready
          wait
    - {name: two, image: busybox, command: *polite}
YAML
)"
for member in one two; do
  eventually "$member has set its trap" sh -c "'$PAUSA' logs polite/$member | grep -q ready"
done
begin=$(now_ms)
expect_exit 0 pausa stop polite
between "the grace period is not waited out" 0 $(($(now_ms) - begin)) 15000
for member in one two; do
  expect_exit 0 pausa logs "polite/$member"
  match "$member could tidy up" "$output" 'tidied up'
  same "$member ended by itself" 0 "$(status_of polite $member .state.terminated.exitCode)"
done

# A shell without a trap, and `sleep` as its members' first process: SIGTERM ends them, since infra
# is process 1 and not they. (As process 1 they would not notice it.)
up "$(three plain 'terminationGracePeriodSeconds: 30')"
begin=$(now_ms)
expect_exit 0 pausa stop plain
between "sleep ends on SIGTERM" 0 $(($(now_ms) - begin)) 15000
same "by the signal" 143 "$(status_of plain a .state.terminated.exitCode)"

# One that ignores SIGTERM gets SIGKILL after the grace period; several share one budget.
stubborn=$(
  manifest stubborn <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: stubborn
spec:
  terminationGracePeriodSeconds: 4
  containers:
    - name: one
      image: busybox
      command: &stubborn ["sh", "-c", "trap '' TERM; echo ready; while true; do sleep 1; done"]
    - {name: two, image: busybox, command: *stubborn}
    - {name: three, image: busybox, command: *stubborn}
YAML
)
up "$stubborn"
for member in one two three; do
  eventually "$member ignores SIGTERM by now" sh -c "'$PAUSA' logs stubborn/$member | grep -q ready"
done
begin=$(now_ms)
expect_exit 0 pausa stop stubborn
between "the grace period passes, once for all" 3950 $(($(now_ms) - begin)) 11500
same "killed" 137 "$(status_of stubborn one .state.terminated.exitCode)"

expect_exit 0 pausa start stubborn
trace stubborn
for member in one two three; do
  eventually "$member runs again" status_is stubborn $member '.state.running != null' true
done
expect_exit 0 pausa stop -t 0 stubborn

# -t overrides the manifest's period.
sed -i 's/name: stubborn/name: patient/; s/PeriodSeconds: 4/PeriodSeconds: 60/' "$stubborn"
up "$stubborn"
for member in one two three; do
  eventually "$member ignores SIGTERM, too" sh -c "'$PAUSA' logs patient/$member | grep -q ready"
done
begin=$(now_ms)
expect_exit 0 pausa stop -t 0 patient
between "-t 0 kills at once" 0 $(($(now_ms) - begin)) 30000
same "killed, too" 137 "$(status_of patient one .state.terminated.exitCode)"

expect_exit 0 pausa down --all
eventually "nothing is left" nothing_remains
