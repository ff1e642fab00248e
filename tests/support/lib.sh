# lib.sh: what the integration tests share; source it first. Each test gets state folders of its
# own, and when it ends everything that it started is removed and looked for: a test that leaves a
# process, mount, control group or file behind has failed.
# Helpers name what they expect, so that a failure reads as a sentence. Nothing here waits by
# sleeping for a fixed time: eventually() polls until a deadline and says what it last saw.
# shellcheck shell=bash
if declare -F nothing_remains >/dev/null; then return 0; fi # sourced before, by user.sh or net.sh
set -euo pipefail

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
PAUSA=${PAUSA:-$source_root/build/release/bin/pausa}

# What run() and its kin leave behind.
# shellcheck disable=SC2034
code=0 output='' errors=''

skip() {
  echo "skipped: $*"
  exit 77
}

[[ -x $PAUSA ]] || skip "$PAUSA is not built"
command -v jq >/dev/null || skip "jq is not installed (scripts/setup --test installs it)"
((EUID == 0)) || skip "needs root"

work=$(mktemp -d /tmp/pausa-test-XXXXXX)
# The run folder is short, since socket paths are, and on tmpfs, as in real life.
export PAUSA_RUNROOT=${work/#\/tmp/\/run} PAUSA_ROOT=$work/root
export PAUSA_NETWORK=none # tests of the network say otherwise (net.sh)
mkdir -m 700 "$PAUSA_RUNROOT" "$PAUSA_ROOT"
traces=$work/traces # "KIND VALUE" of what the test's pods were made of
: >"$traces"

pausa() { "$PAUSA" "$@"; }

# ---- claims

fail() {
  local level=0 at
  while at=$(caller $level) && [[ $at == *"support/lib.sh"* ]]; do level=$((level + 1)); done
  set -- "${at%% *}" "$@"
  echo "FAILED at line $1: $2" >&2
  shift 2
  if (($#)); then printf '%s\n' "$@" | sed 's/^/    /' >&2; fi
  exit 1
}

# check CLAIM COMMAND…: the command succeeds.
check() {
  local claim=$1
  shift
  "$@" || fail "$claim" "command: $*"
}

# same CLAIM EXPECTED ACTUAL
same() { [[ $2 == "$3" ]] || fail "$1" "expected: $2" "     got: $3"; }

# differs CLAIM A B
differs() { [[ $2 != "$3" ]] || fail "$1" "both are: $2"; }

# match CLAIM TEXT REGEX…
match() {
  local pattern
  (($# > 2)) || fail "$1" "match needs a pattern"
  for pattern in "${@:3}"; do
    [[ $2 =~ $pattern ]] || fail "$1" "expected a match of: $pattern" "got:" "$2"
  done
}

# between CLAIM LOW VALUE HIGH (integers, bounds included)
between() { (($2 <= $3 && $3 <= $4)) || fail "$1" "expected $2 to $4, got $3"; }

# run COMMAND…: its exit code in $code, its streams in $output and $errors.
run() {
  code=0
  "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
  output=$(<"$work/stdout")
  errors=$(<"$work/stderr")
}

# expect_exit CODES COMMAND…: run, and the exit code is one of CODES ("0" or "4 125").
expect_exit() {
  local codes=$1
  shift
  run "$@"
  [[ " $codes " == *" $code "* ]] ||
    fail "exit code of: ${*/#$PAUSA/pausa}" "expected $codes, got $code" "stdout:" "$output" \
      "stderr:" "$errors"
}

# eventually CLAIM COMMAND…: the command succeeds before the deadline (PATIENCE seconds).
eventually() {
  local claim=$1 deadline=$((SECONDS + ${PATIENCE:-20})) last
  shift
  until last=$("$@" 2>&1); do
    ((SECONDS < deadline)) || fail "never came true: $claim" "command: $*" "it last said:" "$last"
    sleep 0.02
  done
}

# on_terminal COMMAND…: run with a terminal as stdin, stdout and stderr; all in $output.
on_terminal() {
  code=0
  local words
  printf -v words '%q ' "$@"
  script --quiet --return --command "$words" "$work/terminal" >"$work/stdout" 2>&1 </dev/null ||
    code=$?
  output=$(tr -d '\r' <"$work/stdout")
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

# ---- pods

# manifest NAME <<EOF: writes a manifest, prints its path.
manifest() {
  cat >"$work/$1.yaml"
  echo "$work/$1.yaml"
}

# three NAME [FIELD: VALUE]…: a pod of three members a, b, c that sleep and end on SIGTERM; the
# extra lines go into its spec.
three() {
  local name=$1 field
  shift
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n' "$name"
    for field; do echo "  $field"; done
    echo '  containers:'
    for member in a b c; do
      printf '  - {name: %s, image: busybox, command: ["sleep", "3600"]}\n' $member
    done
  } | manifest "$name"
}

# busybox_pod NAME LABELS FIELD…: a pod with one container of busybox, which has these fields.
busybox_pod() {
  local name=$1 labels=$2 field
  shift 2
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n  labels: {%s}\n' "$name" "$labels"
    printf 'spec:\n  terminationGracePeriodSeconds: 0\n  containers:\n  - name: a\n    image: busybox\n'
    for field; do echo "    $field"; done
  } | manifest "$name"
}

# object API KIND NAME [FIELD: VALUE]…: any other object, with these fields in its spec.
object() {
  local api=$1 kind=$2 name=$3 field
  shift 3
  {
    printf 'apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec:\n' "$api" "$kind" "$name"
    for field; do echo "  $field"; done
  } | manifest "${kind,,}-$name"
}

# up [OPTIONS] FILE: starts it detached and remembers what it is made of.
up() {
  expect_exit 0 pausa up -d "$@"
  local name
  for name in $(sed -n 's/^  name: *//p' "${@: -1}"); do trace "$name"; done
}

# field POD JQ-FILTER: one value of what inspect prints.
field() { pausa inspect "$1" | jq -r "$2"; }

# field_is POD JQ-FILTER VALUE: for eventually().
field_is() {
  local value
  value=$(field "$1" "$2")
  echo "$2 is $value"
  [[ $value == "$3" ]]
}

infra_pid() { field "$1" .pausa.infra.pid; }
member_pid() { field "$1" ".pausa.containers[\"$2\"].pid"; }
phase() { field "$1" .status.phase; }

# status_of POD CONTAINER JQ-FILTER: of a container or an init container.
status_of() {
  field "$1" "[.status.containerStatuses[]?, .status.initContainerStatuses[]?]
    | map(select(.name == \"$2\"))[0] | $3"
}
status_is() {
  local value
  value=$(status_of "$1" "$2" "$3")
  echo "$3 of $2 is $value"
  [[ $value == "$4" ]]
}

# ns PID KIND: the inode of a namespace link, as the kernel tells it.
ns() { stat -L -c %i "/proc/$1/ns/$2"; }

alive() { [[ -d /proc/$1 && $(awk '$1 == "State:" { print $2 }' "/proc/$1/status") == [!ZX] ]]; }
# stands_still PID…: SIGSTOP is sent at once, but obeyed when the process comes to it.
stands_still() {
  local process
  for process; do
    [[ $(awk '$1 == "State:" { print $2 }' "/proc/$process/status") == T ]] || return
  done
}
dead() { ! alive "$1" 2>/dev/null; }

# ---- nothing stays behind

# When a process began, in clock ticks since boot: with its pid, its identity.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }

# Namespaces are not traced: the kernel gives their inode numbers out again at once.
trace() {
  local kind value
  pausa inspect "$1" 2>/dev/null | jq -r '.pausa |
    (.infra, .supervisor, .guard, (.containers // {} | .[]) | "pid \(.pid // empty)"),
    (.containers // {} | .[] | "cgroup \(.cgroup // empty)")' |
    while read -r kind value; do
      if [[ $kind == pid ]]; then value="$value:$(start_time "$value")"; fi
      echo "$kind $value"
    done >>"$traces" || true
}

# Its name, or nothing. (With a file that is not there "$(<file)" ends the shell under `set -e`, even
# in a condition: bash 5.2.)
process_name() {
  local name
  { read -r name <"/proc/$1/comm"; } 2>/dev/null || return 0
  echo "$name"
}

# Prints what is still there of the test's pods: by our state folders and by the traced objects.
remains() {
  local kind value process groups comm
  # The folder of all pods and the lock of the id ranges stay until `reset`.
  find "$PAUSA_RUNROOT" -mindepth 1 -maxdepth 2 ! -path "$PAUSA_RUNROOT/pods" \
    ! -path "$PAUSA_RUNROOT/ids.lock" -printf 'file %p\n' 2>/dev/null
  awk -v a="$PAUSA_ROOT" -v b="$PAUSA_RUNROOT" '
    index($0, a) || index($0, b) { print "mount " $5 }' /proc/self/mountinfo
  for process in /proc/[0-9]*; do
    comm=$(process_name "${process#/proc/}")
    if [[ $comm == pausa* ]] && alive "${process#/proc/}" &&
      tr '\0' '\n' <"$process/environ" | grep -qxF "PAUSA_RUNROOT=$PAUSA_RUNROOT"; then
      echo "process ${process#/proc/} $comm"
    fi
  done 2>/dev/null
  groups=$(find /sys/fs/cgroup -type d -path '*pausa*' -printf '%p\n' 2>/dev/null)$'\n' || true
  sort -u "$traces" | while read -r kind value; do
    case $kind in
      pid)
        if alive "${value%:*}" 2>/dev/null && [[ $(start_time "${value%:*}") == "${value#*:}" ]]; then
          echo "process ${value%:*} $(process_name "${value%:*}")"
        fi
        ;;
      cgroup)
        value=${value#/sys/fs/cgroup}
        if [[ $groups == *"/${value#/}"$'\n'* ]]; then echo "cgroup $value"; fi
        ;;
    esac
  done
}

nothing_remains() {
  local left
  left=$(remains)
  echo "$left"
  [[ -z $left ]] && : >"$traces"
}

diagnose() {
  {
    echo "---- state at the failure"
    timeout 10 "$PAUSA" ps -a
    local pod
    for pod in $(timeout 10 "$PAUSA" ps -a -q); do
      timeout 10 "$PAUSA" inspect "$pod" | jq -c '{status, pausa}'
      timeout 10 "$PAUSA" logs --tail 5 "$pod"
    done
    find "$PAUSA_ROOT" -name events.jsonl -exec tail -n 20 {} +
  } >&2 2>&1 </dev/null || true
}

# at_end COMMAND: runs it when the test ends, before all is removed; the last one first.
at_the_end=()
at_end() { at_the_end=("$1" "${at_the_end[@]}"); }

# What a failed test had begun and not come to end, servers for example: the failure is told once.
end_own() {
  local process
  for process in $(grep -lsaF "PAUSA_RUNROOT=$PAUSA_RUNROOT" /proc/[0-9]*/environ); do
    process=${process//[^0-9]/}
    [[ $process == $$ || $(process_name "$process") == pausa* ]] || kill -9 "$process"
  done 2>/dev/null
}

finish() {
  local status=$? left='' command
  trap - EXIT
  set +e
  for command in "${at_the_end[@]}"; do eval "$command"; done
  if ((status != 0 && status != 77)); then
    diagnose
    end_own
  fi
  "$PAUSA" reset --yes >"$work/reset" 2>&1 </dev/null || {
    echo "FAILED: pausa reset"
    cat "$work/reset"
    status=1
  } >&2
  if ((status != 77)); then
    local deadline=$((SECONDS + 10))
    while left=$(remains) && [[ -n $left ]] && ((SECONDS < deadline)); do sleep 0.1; done
    if [[ -n $left ]]; then
      printf 'FAILED: left behind after reset:\n%s\n' "$left" >&2
      status=1
    fi
  fi
  rm -rf --one-file-system "$work" "$PAUSA_RUNROOT"
  exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM INT
