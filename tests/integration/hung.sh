#!/usr/bin/env bash
# A supervisor that is stopped or stuck: nobody waits for it for ever, and nothing is lost.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

supervisor() { field "$1" .pausa.supervisor.pid; }
hang() { # POD: stops its supervisor, with the guard in front of it when told so
  local pid
  pid=$(supervisor "$1")
  if [[ ${2:-} == guard ]]; then kill -STOP "$(field "$1" .pausa.guard.pid)"; fi
  kill -STOP "$pid"
  hung=$pid
}
said() { match "$1: it is said" "$errors" "pod $2: its supervisor \(pid $hung\) is stopped; killing it"; }

file=$(three shop 'terminationGracePeriodSeconds: 1')
up "$file"
hang shop
for command in "ps" "inspect shop" "logs shop" "exec shop/a true" "up -d $file" "start shop"; do
  # shellcheck disable=SC2086
  expect_exit 0 timeout 30 "$PAUSA" $command
done

expect_exit 0 timeout 30 "$PAUSA" stop shop
said stop shop
same "the members ended by the signal" 143 "$(status_of shop a .state.terminated.exitCode)"

expect_exit 0 pausa start shop
trace shop
pid=$(member_pid shop a)
hang shop
expect_exit 0 timeout 30 "$PAUSA" restart shop/a
said restart shop
check "another supervisor has done it" alive "$(supervisor shop)"
differs "it is another" "$hung" "$(supervisor shop)"
check "a is restarted" dead "$pid"

hang shop guard
expect_exit 0 timeout 30 "$PAUSA" down shop
said "down with a stopped guard" shop
expect_exit 4 pausa inspect shop
eventually "nothing is left" nothing_remains

up "$file"
hang shop
expect_exit 0 timeout 30 "$PAUSA" rm --force shop
said rm shop
eventually "nothing is left" nothing_remains

# Infra cannot be stopped from inside; from outside it can. Then members end unheard.
up "$file"
kill -STOP "$(infra_pid shop)"
expect_exit 0 timeout 30 "$PAUSA" down shop
eventually "nothing is left of a pod whose infra is stopped" nothing_remains


# Frozen, it does not even answer to SIGCONT.
frozen() {
  local group
  group=$(awk -F: '$1 == 0 { print $3 }' "/proc/$1/cgroup")
  echo 1 >"$2$group/cgroup.freeze"
}
tree=$(awk '$9 == "cgroup2" || $8 == "cgroup2" || $10 == "cgroup2" { print $5; exit }' /proc/self/mountinfo)
if [[ -n $tree ]]; then
  up "$file"
  frozen "$(infra_pid shop)" "$tree"
  expect_exit 0 timeout 50 "$PAUSA" down shop
  eventually "nothing is left of a pod whose infra is frozen" nothing_remains
fi

# ^C of an attached up.
"$PAUSA" up --attach "$file" </dev/null >"$work/attached" 2>&1 &
attached=$!
eventually "it runs" field_is shop '.status.containerStatuses | map(select(.ready)) | length' 3
trace shop
hang shop
kill -INT $attached
code=0
timeout 30 tail --pid=$attached -f /dev/null || fail "the attached up ends" "$(<"$work/attached")"
wait $attached || code=$?
same "it was interrupted" 130 "$code"
match "it says why it took so long" "$(<"$work/attached")" 'is stopped; killing it'
eventually "nothing is left" nothing_remains
