#!/usr/bin/env bash
# run-manifest FILE: runs an example manifest and compares with what its header says:
#   # Expected (exit code N):         or (running): it does not end
#   #   MEMBER | a line that MEMBER prints
# One with ports of the host runs in a network namespace of its own; one that says "# Network: bridge"
# in tests/support/net.sh's, on a bridge.
if grep -qx '# Network: bridge' "$1"; then
  source "$(dirname "${BASH_SOURCE[0]}")/net.sh"
  export PAUSA_NETWORK=bridge
else
  if [[ -z ${PAUSA_TEST_OWN_NET:-} ]] && ((EUID == 0)) && grep -q '^ .*hostPort' "$1"; then
    PAUSA_TEST_OWN_NET=1 exec unshare --net "$BASH" "$0" "$@"
  fi
  source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
fi
file=$1

expected_code=$(sed -n 's/^# Expected (exit code \([0-9]*\)):$/\1/p; s/^# Expected (running):$/running/p' "$file")
match "the header of $file names an exit code" "$expected_code" '^([0-9]+|running)$'
mapfile -t expected < <(sed -n '/^# Expected/,/^[^#]/s/^#   \([a-z0-9-]* | .*\)/\1/p' "$file")
between "the header of $file names lines to expect" 1 ${#expected[@]} 100
pod=$(sed -n 's/^  name: *//p' "$file" | head -n 1)
kind=$(sed -n 's/^kind: *//p' "$file" | head -n 1)
target=$pod
[[ $kind == Pod ]] || target=${kind,,}/$pod # a workload: its pods

prints() { pausa logs --prefix=never "$1" | grep -qxF -- "$2"; }

up "$file"
for each in $(pausa ps -q "$target"); do trace "$each"; done
[[ $expected_code == running ]] || expect_exit 0 pausa wait --for=exited --timeout 60s "$target"

for line in "${expected[@]}"; do
  member=${line%% | *}
  eventually "$member prints: ${line#* | }" prints "$target/$member" "${line#* | }"
done

if [[ $expected_code == running ]]; then
  expect_exit 0 pausa down "$file"
  [[ ${PAUSA_NETWORK:-} != bridge ]] || expect_exit 0 pausa reset --yes # the bridge stays else
  eventually "nothing of it is left" nothing_remains
  exit
fi
codes=$output
[[ $kind == Job ]] || codes=$(field "$pod" '[.status.containerStatuses[].state.terminated.exitCode] | sort | last')
same "the exit code of the pod's members" "$expected_code" "$codes"

expect_exit 0 pausa down "$file"
eventually "nothing of the pod is left" nothing_remains

# Attached, as a person would run it: the same lines, and the pod's exit code.
on_terminal "$PAUSA" up "$file"
same "exit code of an attached up" "$expected_code" "$code"
for line in "${expected[@]}"; do
  check "attached, ${line%% | *} prints: ${line#* | }" grep -qF -- "${line#* | }" <<<"$output"
done
