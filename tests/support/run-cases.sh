#!/usr/bin/env bash
# run-cases.sh FOLDER: the black-box cases of one field (tests/integration/cases/FIELD/*.yaml): a
# manifest in, what is observed out. docs/hacking.md tells the format. All pods of the folder are
# started before the first is looked at, so that waits overlap.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=$1
export PAUSA_SECCOMP_ROOT=$work/seccomp
prelude='
  def c($name): [.status.containerStatuses[]?, .status.initContainerStatuses[]?,
    .status.ephemeralContainerStatuses[]?] | map(select(.name == $name))[0];
  def state($name): c($name).state | keys[0];
  def code($name): c($name).state.terminated.exitCode;
  def reason($name): c($name).state[].reason;
  def cond($type): .status.conditions | map(select(.type == $type))[0].status == "True";
  def condition($type): .status.conditions | map(select(.type == $type))[0];
  def phase: .status.phase;'

# Cuts the files into cases: $work/case.N holds the headers, $work/case.N.yaml the manifest.
split_cases() {
  awk -v out="$work/case." '
    FNR == 1 { inside = 0 }
    /^# Case: / { n++; inside = 1; print FILENAME ":" FNR > (out n) }
    !inside { if (!/^(#.*)?$/) { print FILENAME ": text before the first case" > "/dev/stderr"; exit 1 } next }
    /^# [A-Z][A-Za-z]*( [a-z0-9-]+)?: / { print substr($0, 3) > (out n); next }
    { print > (out n ".yaml") }
    END { print n + 0 }' "$@"
}

# The manifest of case N, whose pod is named $2: a body without apiVersion is the spec of a Pod.
write_manifest() {
  local body=$work/case.$1.yaml
  if grep -q '^ *apiVersion:' "$body"; then
    cp "$body" "$work/$2.yaml"
  else
    {
      printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n' "$2"
      sed 's/^/  /' "$body"
    } >"$work/$2.yaml"
  fi
}

holds() { # POD JQ-EXPRESSION
  local object
  object=$("$PAUSA" inspect "$1") || return 1
  if jq -e "$prelude $2" <<<"$object" >"$work/answer" 2>&1; then return; fi
  echo "$(<"$work/answer") of $(jq -c .status <<<"$object")"
  return 1
}
# Where a process is, and what is written there: group_of PID CONTROLLER; limit POD CONTAINER
# CONTROLLER FILE-ON-V1 FILE-ON-V2.
group_of() {
  local own
  own=$(awk -F: -v c="$2" '$2 == c || $2 ~ "(^|,)" c "(,|$)" { print $3 }' "/proc/$1/cgroup")
  if [[ -n $own ]]; then
    echo "/sys/fs/cgroup/$2$own"
  else
    echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$1/cgroup")"
  fi
}
limit() {
  local group
  group=$(group_of "$(member_pid "$1" "$2")" "$3")
  if [[ -e $group/$4 ]]; then cat "$group/$4"; else cat "$group/$5"; fi
}
logged() { # TARGET REGEX
  local text
  text=$("$PAUSA" logs "$1") || return 1
  echo "$text"
  grep -qE -- "$2" <<<"$text"
}
told() { # POD REASON [REGEX]
  local text
  text=$("$PAUSA" events -o json "$1") || return 1
  echo "$text"
  jq -r "select(.reason == \"$2\").message" <<<"$text" | grep -E -- "${3:-}" >/dev/null # -q might end jq by SIGPIPE
}

# In a shell of its own: here, called by a condition, all but the last command might fail unseen.
export PAUSA work traces source_root pod
declare -f >"$work/functions"
in_shell() { bash -euo pipefail -c "source '$work/functions'; $1" 2>&1; }

mapfile -t files < <(find "$folder" -name '*.yaml' | sort)
count=$(split_cases "${files[@]}")
((count > 0)) || fail "$folder holds no case"

# The value of a header: header N NAME [DEFAULT]
header() { sed -n "s/^$2: *//p" "$work/case.$1" | head -n 1; }

# Starts the pod of case N, named $2.
start_case() {
  local before expected flags says title
  title=$(header "$1" Case)
  before=$(header "$1" Before)
  if [[ -n $before ]]; then check "$title: Before" in_shell "$before"; fi
  expected=$(header "$1" Exit)
  says=$(header "$1" Says)
  flags=$(header "$1" Up)
  IFS=' ' read -ra flags <<<"${flags//\$work/$work}"
  run pausa up -d --no-color "${flags[@]}" "$work/$2.yaml"
  ((code != 0)) || trace "$2"
  if ((code != ${expected:-0})); then
    fail "$(head -n 1 "$work/case.$1"): $title: up ends with ${expected:-0}" "got $code" "$output" "$errors"
  fi
  if [[ -n $says ]]; then match "$(head -n 1 "$work/case.$1"): $title" "$errors" "$says"; fi
}

# Takes the steps of case N, whose pod is named $2, and removes it.
observe_case() {
  local place title step key value claim said steps
  pod=$2
  place=$(head -n 1 "$work/case.$1")
  title=$(header "$1" Case)
  exec {steps}< <(tail -n +2 "$work/case.$1") # not stdin, which the steps may read
  while IFS= read -r -u "$steps" step; do
    key=${step%%:*}
    value=${step#*: }
    claim="$place: $title: $key: $value"
    case $key in
      Case | Fields | Before | Up | Exit | Says) ;;
      Until) eventually "$claim" holds "$pod" "$value" ;;
      Then) said=$(holds "$pod" "$value") || fail "$claim" "$said" ;;
      Run) in_shell "$value" >"$work/said" || fail "$claim" "$(<"$work/said")" ;;
      Eventually) eventually "$claim" in_shell "$value" ;;
      Log\ *) eventually "$claim" logged "$pod/${key#Log }" "$value" ;;
      Event) eventually "$claim" told "$pod" "${value%% *}" "$([[ $value == *\ * ]] && echo "${value#* }" || true)" ;;
      *) fail "$claim: no such step" ;;
    esac
  done
  if "$PAUSA" inspect "$pod" >/dev/null 2>&1; then
    trace "$pod"
    expect_exit 0 pausa down -t 0s "$pod"
  fi
}

# A case that fails keeps nobody from looking at the others: each step runs in a shell of its own.
names=() failed=()
apart() { # N COMMAND…
  if [[ -z ${failed[$1]:-} ]] && ! ("${@:2}"); then failed[$1]=yes; fi
}
set +e # in the shell of a condition -e has no effect; the claims exit by themselves
for ((n = 1; n <= count; n++)); do
  names[n]=case-$n
  if grep -q '^ *apiVersion:' "$work/case.$n.yaml"; then
    names[n]=$(sed -n 's/^ *name: *"\{0,1\}\([^",]*\).*/\1/p' "$work/case.$n.yaml" | head -n 1)
  fi
  write_manifest "$n" "${names[n]}"
  apart "$n" start_case "$n" "${names[n]}"
done
for ((n = 1; n <= count; n++)); do apart "$n" observe_case "$n" "${names[n]}"; done
echo "$count cases"
((${#failed[@]} == 0)) || fail "${#failed[@]} of them failed"
