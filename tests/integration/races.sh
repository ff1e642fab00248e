#!/usr/bin/env bash
# Several commands at once on one pod, and commands that are killed half way.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# Two `up` of one pod: one wins, the other says so, and there is one pod.
file=$(three contested)
for round in $(seq 20); do
  for one in 1 2; do
    {
      result=0
      pausa up -d "$file" </dev/null >"$work/out.$one" 2>"$work/err.$one" || result=$?
      echo $result >"$work/code.$one"
    } &
    racers[one]=$!
  done
  wait "${racers[@]}"
  codes=$(sort "$work"/code.[12] | xargs)
  # The second may come when the first has finished: then the pod is as it wants it.
  [[ $codes == '0 1' || $codes == '0 0' ]] ||
    fail "one of two wins (round $round)" "codes: $codes" "$(cat "$work"/err.[12])"
  if [[ $codes == '0 1' ]]; then
    match "the other says so" "$(cat "$work"/err.[12])" 'contested'
  fi
  trace contested
  same "three members, not six" 3 "$(
    field contested '.status.containerStatuses | map(select(.state.running)) | length'
  )"
  expect_exit 0 pausa down contested
done
eventually "nothing is left" nothing_remains

# up and down at once: whatever wins, the end is a whole pod or none.
for round in $(seq 20); do
  pausa up -d "$file" </dev/null >/dev/null 2>&1 &
  upper=$!
  pausa down contested </dev/null >/dev/null 2>&1 &
  downer=$!
  wait $upper || true
  wait $downer || true
  run pausa inspect contested
  if [[ $code == 0 ]]; then
    same "the pod that won is whole (round $round)" 3 "$(
      jq '.status.containerStatuses | map(select(.state.running)) | length' <<<"$output"
    )"
    trace contested
  else
    same "or there is none (round $round)" 4 "$code"
  fi
  expect_exit 0 pausa down contested
done
eventually "nothing is left" nothing_remains

# Who waits for the lock of a pod that another command starts looks again: its supervisor keeps it.
lock=$PAUSA_RUNROOT/pods/default_contested/lock
waits_for_lock() { readlink "/proc/$waiter/fd/"* | grep -qxF "$lock"; }
beside_a_start() {  # VERB: begun while the pod is stopped, and gets no further before it runs
  rm -f "$work/held"
  python3 -c 'import fcntl, sys, time
with open(sys.argv[1], "r+") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    time.sleep(60)' "$lock" >"$work/held" &
  local holder=$! result=0
  at_end "kill $holder 2>/dev/null"
  eventually "the lock is held" test -s "$work/held"
  "$PAUSA" "$1" contested </dev/null >"$work/waiter" 2>&1 &
  waiter=$!
  eventually "$1 waits for it" waits_for_lock
  kill -STOP $waiter
  eventually "it stands still" stands_still $waiter # or it takes the lock first
  kill $holder
  wait $holder || true
  expect_exit 0 pausa start contested
  kill -CONT $waiter
  wait $waiter || result=$?
  same "$1 beside a start" "0 " "$result $(grep -v '^pod/contested$' "$work/waiter" || true)"
}
up "$file"
expect_exit 0 pausa stop -t 0 contested
beside_a_start start
expect_exit 0 pausa stop -t 0 contested
beside_a_start stop
same "it has stopped what was started" Stopped "$(pausa ps -a | awk '$1 == "contested" { print $3 }')"
beside_a_start down
eventually "nothing is left" nothing_remains

# Who looks at a pod while it is removed sees it, or that there is none.
watch_contested() {  # FILE COMMAND...: COMMAND again and again; what it says when it fails to FILE
  local answers=$1
  shift
  while [[ ! -e $work/enough ]]; do
    local result=0
    pausa "$@" </dev/null >"$answers.out" 2>"$answers.err" || result=$?
    [[ $result == 0 || $result == 4 ]] || echo "$1: $result: $(<"$answers.err")" >>"$answers"
  done
}
watch_contested "$work/look.1" inspect contested &
watch_contested "$work/look.2" describe pod contested &
watch_contested "$work/look.3" ps -a -o json &
for round in $(seq 30); do
  expect_exit 0 pausa up -d "$file"
  expect_exit 0 pausa down contested
done
touch "$work/enough"
wait
same "they see the pod or none" "" "$(cat "$work"/look.[123] 2>/dev/null)"
eventually "nothing is left" nothing_remains

# The command line is killed at any moment of `up`: the next command shows the pod whole or not at
# all, and down takes it away. Moments are spread over the time that an up takes here.
begin=$(now_ms)
expect_exit 0 pausa up -d "$file"
took=$(($(now_ms) - begin))
expect_exit 0 pausa down contested
whole=0
for round in $(seq 40); do
  "$PAUSA" up -d "$file" </dev/null >/dev/null 2>&1 &
  upper=$!
  moment=$((took * 1000 * round / 35))
  sleep "$(printf '%d.%06d' $((moment / 1000000)) $((moment % 1000000)))"
  kill -KILL $upper 2>/dev/null || true
  wait $upper 2>/dev/null || true
  run pausa inspect contested
  if [[ $code == 0 ]]; then
    eventually "what inspect shows becomes whole (round $round)" field_is contested \
      '.status.containerStatuses | map(select(.state.running)) | length' 3
    whole=$((whole + 1))
    trace contested
  else
    same "or nothing at all (round $round)" 4 "$code"
  fi
  expect_exit 0 pausa down contested
  eventually "nothing is left (round $round)" nothing_remains
done
echo "40 kills: $whole times a whole pod, $((40 - whole)) times none"

# Killed when all is written and nothing made: the next command removes that, and does not show it.
expect_exit 0 pausa up -d "$file"
run_folder=$PAUSA_RUNROOT/pods/default_contested data_folder=$PAUSA_ROOT/pods/default_contested
jq 'del(.infra, .supervisor, .guard, .namespaces, .state.sandbox, .state.initialized,
        .state.sandboxReady, .containers[].process, .containers[].podPid) |
    .state.phase = 0 | .state.containers = [.containers[] | {}]' "$run_folder/pod.json" >"$work/cut.json"
cp "$data_folder/manifest.json" "$work/cut-manifest.json"
expect_exit 0 pausa down contested
for round in $(seq 10); do
  mkdir -m 700 "$run_folder" "$data_folder"
  cp "$work/cut.json" "$run_folder/pod.json"
  cp "$work/cut-manifest.json" "$data_folder/manifest.json"
  lookers=()
  for one in 1 2 3 4 5 6; do
    pausa inspect contested </dev/null >/dev/null 2>&1 &
    lookers+=($!)
  done
  for looker in "${lookers[@]}"; do
    code=0
    wait "$looker" || code=$?
    same "nobody sees what was begun (round $round)" 4 "$code"
  done
  eventually "and it is gone (round $round)" nothing_remains
done

# Killed at its very beginning it leaves an empty folder, which down takes away, too.
mkdir "$PAUSA_RUNROOT/pods/default_contested"
expect_exit 0 pausa down contested
same "the empty folder is gone" "" "$(remains)"

# And of `down`: again, and it is gone.
for round in $(seq 15); do
  up "$file"
  "$PAUSA" down contested </dev/null >/dev/null 2>&1 &
  downer=$!
  sleep "0.0$(printf '%02d' $((round * 2)))"
  kill -KILL $downer 2>/dev/null || true
  wait $downer 2>/dev/null || true
  expect_exit 0 pausa down contested
  expect_exit 4 pausa inspect contested
done
eventually "nothing is left" nothing_remains

# The output of up may be a pipe that closes: the pod outlives it, and the pipe ends with up.
"$PAUSA" up -d "$file" </dev/null 2>&1 | cat >"$work/piped"
field_is contested .status.phase Running >/dev/null || fail "the pod outlives the pipe"
expect_exit 0 pausa down contested
