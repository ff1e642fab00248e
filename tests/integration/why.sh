#!/usr/bin/env bash
# why: what went wrong, what was written last, what to do next.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up --restart-backoff 1h "$(
  manifest sick <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: sick
spec:
  restartPolicy: OnFailure
  containers:
    - name: crash
      image: busybox
      command: ["sh", "-c", "echo opening; echo 'no such table' >&2; exit 3"]
    - {name: fine, image: busybox, command: ["sleep", "1000"]}
YAML
)"
eventually "the container waits for its next start" \
  status_is sick crash .state.waiting.reason CrashLoopBackOff
expect_exit 0 pausa why sick
match "the end is told" "$output" 'Container sick/crash waits \(CrashLoopBackOff.*ended with exit code 3'
# The order of two streams is not promised.
match "the last lines are shown" "$output" $'\n  opening\n' $'\n  no such table\n'
match "the next step is named" "$output" 'Next: .*pausa logs sick/crash'
check "who is well is left out" test -z "$(grep sick/fine <<<"$output")"
expect_exit 0 pausa why sick/fine
match "unless he is asked for" "$output" '^Container sick/fine runs since'
expect_exit 4 pausa why absent
expect_exit 4 pausa why sick/absent
expect_exit 2 pausa why
expect_exit 0 pausa down -t 0 sick
eventually "nothing is left" nothing_remains
