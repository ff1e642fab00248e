#!/usr/bin/env bash
# run-manifest FILE: runs an example manifest and compares with what its header says:
#   # Expected (exit code N):
#   #   MEMBER | a line that MEMBER prints
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
file=$1

expected_code=$(sed -n 's/^# Expected (exit code \([0-9]*\)):$/\1/p' "$file")
match "the header of $file names an exit code" "$expected_code" '^[0-9]+$'
mapfile -t expected < <(sed -n '/^# Expected/,/^[^#]/s/^#   \([a-z0-9-]* | .*\)/\1/p' "$file")
between "the header of $file names lines to expect" 1 ${#expected[@]} 100
pod=$(sed -n 's/^  name: *//p' "$file" | head -n 1)

up "$file"
trace "$pod"
expect_exit 0 pausa wait --for=exited --timeout 60s "$pod"

for line in "${expected[@]}"; do
  member=${line%% | *}
  expect_exit 0 pausa logs "$pod/$member"
  check "$member prints: ${line#* | }" grep -qxF -- "${line#* | }" <<<"$output"
done

codes=$(field "$pod" '[.status.containerStatuses[].state.terminated.exitCode] | sort | last')
same "the exit code of the pod's members" "$expected_code" "$codes"

expect_exit 0 pausa down "$file"
eventually "nothing of the pod is left" nothing_remains

# Attached, as a person would run it: the same lines, and the pod's exit code.
on_terminal "$PAUSA" up "$file"
same "exit code of an attached up" "$expected_code" "$code"
for line in "${expected[@]}"; do
  check "attached, ${line%% | *} prints: ${line#* | }" grep -qF -- "${line#* | }" <<<"$output"
done
