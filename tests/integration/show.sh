#!/usr/bin/env bash
# The verbs that show and check: ps in all its forms, describe, ns, validate, doctor, version,
# completion, the words of other tools, and reset with something broken in its way.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest shop <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels: {tier: front, app: shop}
spec:
  restartPolicy: OnFailure
  initContainers:
    - {name: prepare, image: busybox, command: ["true"]}
  containers:
    - {name: web, image: busybox, command: ["sleep", "3600"], ports: [{containerPort: 80}]}
    - {name: job, image: busybox, command: ["true"]}
YAML
)"
up "$(three private 'shareProcessNamespace: false')"
status_in_ps() { # POD WORD
  local line
  line=$(pausa ps -a --no-headers "$1")
  echo "$line"
  [[ $line =~ $2 ]]
}

# told CLAIM FILTER: jq finds the filter true of the last output.
told() { jq -e "$2" <<<"$output" >/dev/null || fail "$1" "filter: $2" "$output"; }

# ---- ps
eventually "a member that is done is not ready" status_in_ps shop '^shop +1/2 +NotReady +0 +'
expect_exit 0 pausa ps
same "the headings" "NAME READY STATUS RESTARTS AGE" "$(head -n 1 <<<"$output" | xargs)"
expect_exit 0 pausa ps --no-headers -l 'tier=front,app in (shop,x)'
match "a selector picks by label" "$output" '^shop '
check "and leaves the others out" test "$(wc -l <<<"$output")" = 1
expect_exit 0 pausa ps -q --filter name=priv
same "a filter picks by name" private "$output"
expect_exit 0 pausa ps -q --filter status=running
same "or by status" private "$output"
expect_exit 2 pausa ps --filter colour=red
expect_exit 2 pausa ps -l '=x'
expect_exit 0 pausa ps -o name
same "-o name" $'pod/private\npod/shop' "$output"
expect_exit 0 pausa ps -o wide --no-trunc shop
match "wide shows infra" "$output" "$(infra_pid shop)"
same "ps(1) knows the supervisor by its pod" "pausa-supervisor default/shop" \
  "$(ps -o args= -p "$(field shop .pausa.supervisor.pid)")"
match "and whole ids on request" "$output" "$(field shop .metadata.uid)"
expect_exit 0 pausa ps --format '{{.name}}={{.ready}}'
same "a template" $'private=3/3\nshop=1/2' "$output"
expect_exit 2 pausa ps --format '{{.nmae}}'
match "a wrong template names the fields" "$errors" 'name, namespace, ready'
expect_exit 4 pausa ps shop absent
match "a pod that is not there is told" "$errors" 'absent'
match "and the others are shown" "$output" 'shop'
expect_exit 0 pausa ps -n elsewhere -q
same "namespaces are apart" '' "$output"

# ---- inspect
expect_exit 0 pausa inspect -f '{{.status.phase}} {{range .spec.containers}}{{.name}} {{end}}' shop
same "a template over the object" "Running web job " "$output"
expect_exit 0 pausa inspect shop private
told "several are a List" '.kind == "List" and (.items | length == 2)'
expect_exit 4 pausa inspect shop absent
told "one that is absent does not hide the others" '.items | length == 1'
expect_exit 0 pausa inspect -f json pod/shop
check "json is one line" test "$(wc -l <<<"$output")" = 1
told "an init container that is done" '.status.initContainerStatuses[0] |
  .ready and .state.terminated.reason == "Completed" and (.containerID | endswith("/prepare/0"))'
told "a member that is done is not ready" '[.status.conditions[] |
  select(.type == "Ready")][0] | .status == "False" and .reason == "ContainersNotReady"
  and (.message | contains("job"))'

# ---- describe and ns
expect_exit 0 pausa describe shop
for word in 'Status: +NotReady' 'tier: +front' 'Ports: +80' 'State: +Terminated' 'Exit code: +0' \
  'Events:' 'Started +web'; do
  match "describe shows $word" "$output" "$word"
done
expect_exit 4 pausa describe absent
expect_exit 0 pausa ns private
match "a PID namespace inside the pod's" "$output" '[A-Z]<[A-Z]'
expect_exit 0 pausa ns -o wide private
match "inodes" "$output" "$(ns "$(infra_pid private)" net)"
expect_exit 0 pausa ns -o json private
same "as JSON" "$(ns "$(member_pid private a)" pid)" "$(jq .containers.a.pid <<<"$output")"
same "with the host's" "$(ns self net)" "$(jq .host.net <<<"$output")"
expect_exit 4 pausa ns absent

# ---- a dead supervisor is noticed by ps, and replaced
old=$(field shop .pausa.supervisor.pid)
guard=$(field shop .pausa.guard.pid)
kill -KILL "$guard" "$old"
for process in $guard $old; do eventually "it is dead" dead "$process"; done
expect_exit 0 pausa ps shop
replaced() {
  local now
  now=$(field shop .pausa.supervisor.pid)
  [[ $now != "$old" ]] && alive "$now"
}
eventually "ps replaces it" replaced
trace shop

# ---- pods that ended, and pods of an earlier boot
helpers="$(field private .pausa.guard.pid) $(field private .pausa.supervisor.pid)"
expect_exit 0 pausa stop -t 0 private
expect_exit 0 pausa ps -q
same "ps shows what has not ended" shop "$output"
expect_exit 0 pausa ps -a --no-headers private
match "ps -a shows the rest" "$output" '^private +0/3 +Stopped'
expect_exit 0 pausa inspect private
told "with the members' ends" '.status.containerStatuses |
  all(.state.terminated.exitCode > 128 and (.ready | not))'
expect_exit 1 pausa ns private
match "the namespaces of an ended pod are gone" "$errors" 'ended'
for process in $helpers; do eventually "its helpers end" dead "$process"; done
rm "$PAUSA_RUNROOT/pods/default_private/pod.json" # as a reboot does
expect_exit 0 pausa ps -a --no-headers private
match "after a reboot it is known from its manifest" "$output" '^private +0/3 +Stopped'
expect_exit 0 pausa inspect private
told "inspect says so" '.status.phase == "Unknown" and .status.reason == "Stopped"
  and .pausa.infra.pid == null'

# ---- validate
bad=$(
  manifest bad <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec:
  containers:
    - {name: web, image: busybox, comand: ["true"]}
    - {name: web, image: "no-such-image:1"}
YAML
)
expect_exit 3 pausa validate "$bad"
match "all findings at once: a typo" "$errors" 'bad.yaml:6:.*comand'
match "a duplicate" "$errors" 'Duplicate'
same "and nothing on stdout" '' "$output"
expect_exit 3 pausa validate -o json "$bad" "$source_root/manifests/01-hello.yaml"
told "as JSON" '.valid == false and (.findings | map(select(.severity == "error")) |
  length >= 2 and all(.line > 0 and .column > 0 and (.field | length > 0)))'
expect_exit 0 pausa validate "$source_root/manifests/01-hello.yaml"
match "a good one is named" "$output" 'pod/hello is valid'
sed -i '/comand/d; s/no-such-image:1/Nowhere:1/' "$bad"
expect_exit 3 pausa validate "$bad"
match "an image that cannot be is found too" "$errors" 'image'
expect_exit 2 pausa validate

# ---- doctor and version
expect_exit 0 pausa doctor
match "doctor tells of each namespace" "$output" 'namespace net +can be made'
expect_exit '0 1' pausa doctor --strict -o json
told "as JSON" '.findings | (map(.subject) | contains(["kernel", "overlay", "cgroups"]))
  and all(.level == "ok" or (.fix | length > 0))'
expect_exit 2 env PAUSA_ROOT=/proc/nowhere "$PAUSA" doctor
match "what blocks is told with a way out" "$output" 'blocked +data folder'
expect_exit 0 pausa version -o json
told "version as JSON" '.version | test("^[0-9]+\\.[0-9]+")'

# ---- words
expect_exit 2 pausa inpsect shop
match "a misspelt verb" "$errors" 'did you mean "inspect"'
expect_exit 0 pausa get pods -q
same "get pods" shop "$output"
expect_exit 0 pausa describe pod shop
expect_exit 0 pausa __complete inspect s
same "pods are completed" shop "$output"
expect_exit 0 pausa __complete exec shop/w
same "and containers" shop/web "$output"
expect_exit 0 pausa __complete ps --no-h
same "and options" --no-headers "$output"
expect_exit 0 pausa __complete insp
same "and verbs" inspect "$output"
for shell in bash zsh fish; do
  expect_exit 0 pausa completion $shell
  printf '%s\n' "$output" >"$work/completion.$shell"
  if command -v $shell >/dev/null; then check "$shell reads it" $shell -n "$work/completion.$shell"; fi
done
# shellcheck disable=SC2016
same "bash completes with it" shop "$(PATH=$(dirname "$PAUSA"):$PATH bash -c '
  source "$1"; COMP_WORDS=(pausa inspect sh); COMP_CWORD=2; _pausa; echo "${COMPREPLY[@]}"' \
  - "$work/completion.bash")"
expect_exit 0 pausa __man "$work/man"
for verb in $("$PAUSA" __complete ''); do
  check "$verb has a manual page" test -s "$work/man/pausa-$verb.1"
done

# ---- reset
expect_exit 2 pausa reset
match "reset asks first" "$errors" '--yes'
check "and nothing was removed" alive "$(infra_pid shop)"
up "$(three hurt)"
helpers="$(field hurt .pausa.guard.pid) $(field hurt .pausa.supervisor.pid)"
# shellcheck disable=SC2086
kill -STOP $helpers # or they would write the record anew
# shellcheck disable=SC2086
eventually "they stand still" stands_still $helpers
sed -i 's/"version":1/"version":99/' "$PAUSA_RUNROOT/pods/default_hurt/pod.json"
expect_exit 1 pausa ps
match "a damaged record is told" "$errors" 'hurt'
match "and does not hide the others" "$output" 'shop'
expect_exit 0 pausa reset --yes
match "reset names what it removes" "$output" 'pod/shop'
match "also what it cannot read" "$output" 'pod/hurt'
same "and leaves no file" '' "$(find "$PAUSA_ROOT" "$PAUSA_RUNROOT" -mindepth 1 | head -n 5)"
# shellcheck disable=SC2086
kill -CONT $helpers # they find nothing to care for any more
eventually "nothing is left" nothing_remains
