#!/usr/bin/env bash
# run-cases.sh FOLDER: the black-box cases of one field (tests/integration/cases/FIELD/*.yaml): a
# manifest in, what is observed out. docs/hacking.md tells the format. All pods of the folder are
# started before the first is looked at, so that waits overlap.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

folder=$1
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
  if grep -q '^apiVersion:' "$body"; then
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
in_shell() { (eval "set -euo pipefail; $1") 2>&1; }
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
  jq -r "select(.reason == \"$2\").message" <<<"$text" | grep -qE -- "${3:-}"
}

mapfile -t files < <(find "$folder" -name '*.yaml' | sort)
count=$(split_cases "${files[@]}")
((count > 0)) || fail "$folder holds no case"

# The value of a header: header N NAME [DEFAULT]
header() { sed -n "s/^$2: *//p" "$work/case.$1" | head -n 1; }

names=()
for ((n = 1; n <= count; n++)); do
  name=$(sed -n 's/^  name: *//p' "$work/case.$n.yaml" | head -n 1)
  grep -q '^apiVersion:' "$work/case.$n.yaml" || name=case-$n
  names[n]=$name
  write_manifest "$n" "$name"
  expected=$(header "$n" Exit)
  flags=()
  IFS=' ' read -ra flags <<<"$(header "$n" Up)"
  run pausa up -d --no-color "${flags[@]}" "$work/$name.yaml"
  if ((code != ${expected:-0})); then
    fail "$(tr '\n' ' ' <"$work/case.$n"): up ends with ${expected:-0}" "got $code" "$output" "$errors"
  fi
  says=$(header "$n" Says)
  if [[ -n $says ]]; then match "$(header "$n" Case)" "$errors" "$says"; fi
  ((code != 0)) || trace "$name"
done

for ((n = 1; n <= count; n++)); do
  pod=${names[n]}
  place=$(head -n 1 "$work/case.$n")
  title=$(header "$n" Case)
  while IFS= read -r step; do
    key=${step%%:*}
    value=${step#*: }
    claim="$place: $title: $key: $value"
    case $key in
      Case | Up | Exit | Says) ;;
      Until) eventually "$claim" holds "$pod" "$value" ;;
      Then) check "$claim$(holds "$pod" "$value" || true)" holds "$pod" "$value" >/dev/null ;;
      Run) in_shell "$value" >"$work/said" || fail "$claim" "$(<"$work/said")" ;;
      Eventually) eventually "$claim" in_shell "$value" ;;
      Log\ *) eventually "$claim" logged "$pod/${key#Log }" "$value" ;;
      Event) eventually "$claim" told "$pod" "${value%% *}" "$([[ $value == *\ * ]] && echo "${value#* }" || true)" ;;
      *) fail "$claim: no such step" ;;
    esac
  done < <(tail -n +2 "$work/case.$n")
  if "$PAUSA" inspect "$pod" >/dev/null 2>&1; then
    trace "$pod"
    expect_exit 0 pausa down -t 0s "$pod"
  fi
done
echo "$count cases"
