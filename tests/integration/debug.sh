#!/usr/bin/env bash
# pausa debug: a container for debugging in a pod that runs, with the caller's streams.
# Fields: PodSpec.ephemeralContainers EphemeralContainer.image EphemeralContainer.command
# Fields: EphemeralContainer.name EphemeralContainer.env EphemeralContainer.stdin
# Fields: EphemeralContainer.securityContext EphemeralContainer.tty EphemeralContainer.targetContainerName
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

three shop
up "$work/shop.yaml"
up "$(
  manifest apart <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: apart
spec:
  shareProcessNamespace: false
  containers:
    - {name: web, image: busybox, command: ["sleep", "3600"]}
    - {name: api, image: busybox, command: ["sleep", "7200"]}
YAML
)"

# ---- streams and codes

expect_exit 3 pausa debug --attach shop -- sh -c 'echo out; echo err >&2; exit 3'
same "stdout is stdout" out "$output"
same "stderr is stderr" err "$errors"
same "stdin reaches it, to its end" 3 "$(printf 'a\nb\nc\n' | pausa debug -i shop -- wc -l)"
head -c 300000 /dev/urandom >"$work/bytes"
same "all of it" "$(md5sum <"$work/bytes")" "$(pausa debug -i shop -- md5sum <"$work/bytes")"
same "a variable" green "$(pausa debug --attach -e COLOUR=green shop -- sh -c 'echo $COLOUR')"
same "a terminal" "/dev/pts/0" "$(echo 'tty; exit' | pausa debug -it shop -- sh 2>/dev/null |
  tr -d '\r' | grep '^/dev')"
on_terminal "$PAUSA" debug -it shop -- sh -c 'test -t 0 && test -t 1 && echo both'
match "on our terminal" "$output" both
expect_exit 127 pausa debug --attach shop -- no-such-program
expect_exit 1 pausa debug shop -- no-such-program
match "and says what is wrong" "$errors" 'pod shop: .*no-such-program'

# ---- what it sees

same "the processes of the pod" 3 "$(pausa debug --attach shop -- sh -c 'pidof sleep | wc -w')"
same "the pod's network" "$(pausa exec shop readlink /proc/self/ns/net)" \
  "$(pausa debug --attach shop -- readlink /proc/self/ns/net)"
same "a root of its own" "" "$(pausa debug --attach shop -- sh -c 'ls /proc/1/root/proc/2/root' \
  2>/dev/null || true)"
sees() { pausa debug --attach "$@" -- sh -c 'ps -o args | grep "[s]leep"' | tr -d ' \n'; }
same "of its target alone, where each has its own" sleep3600 "$(sees apart/web)"
same "--target" sleep7200 "$(sees --target api apart)"
same "without a target nobody's" "" "$(sees apart || true)"
same "the target is PID 1" sleep "$(pausa debug --attach apart/api -- cat /proc/1/comm)"

caps=$(pausa debug --attach shop -- awk '$1 == "CapEff:" { print $2 }' /proc/self/status)
same "it may trace" 1 $((0x$caps >> 19 & 1))

# ---- what others see

name=$(pausa debug -c look shop -- sh -c 'echo here; sleep 3600')
same "its name" shop/look "$name"
eventually "it runs" field_is shop \
  '.status.ephemeralContainerStatuses[] | select(.name == "look").state | keys[0]' running
same "spec" busybox \
  "$(field shop '.spec.ephemeralContainers[] | select(.name == "look").image')"
same "the others are as they were" '3 0' \
  "$(field shop '[.status.containerStatuses[] | .ready] | map(select(.)) | length') $(
    field shop '[.status.containerStatuses[].restartCount] | add')"
same "the pod is Ready" True \
  "$(field shop '.status.conditions[] | select(.type == "Ready").status')"
eventually "its log" bash -c "[[ \$('$PAUSA' logs shop/look) == here ]]"
same "exec enters it" look "$(pausa exec shop/look sh -c 'echo look')"
run pausa describe shop
match "describe" "$output" 'Ephemeral containers.*look'
expect_exit 1 pausa debug -c look shop
match "names are unique" "$errors" 'there is a container look'
expect_exit 1 pausa debug -c No_Name shop
match "and names" "$errors" 'name: Invalid value: "No_Name"'
expect_exit 1 pausa debug --target nobody shop
match "targets exist" "$errors" 'targetContainerName: Not found: "nobody"'
expect_exit 4 pausa debug nowhere
expect_exit 2 pausa debug -t shop
expect_exit 1 pausa restart shop/look
match "never started again" "$errors" 'runs once'
expect_exit 3 pausa up -d "$(
  manifest bad <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: bad
spec:
  containers: [{name: a, image: busybox}]
  ephemeralContainers: [{name: b, image: busybox}]
YAML
)"
match "not in a manifest" "$errors" 'ephemeralContainers: Forbidden: cannot be set on create'
expect_exit 0 pausa up -d "$work/shop.yaml"
match "up sees no difference" "$errors$output" 'unchanged|pod/shop'
same "and it runs on" running \
  "$(field shop '.status.ephemeralContainerStatuses[] | select(.name == "look").state | keys[0]')"

# ---- a killed supervisor, the end

before=$(field shop .pausa.supervisor.pid)
kill -9 "$before"
eventually "the next one" bash -c "[[ \$('$PAUSA' inspect shop | jq .pausa.supervisor.pid) != @(null|$before) ]]"
same "knows it" running \
  "$(field shop '.status.ephemeralContainerStatuses[] | select(.name == "look").state | keys[0]')"
kill -9 "$(field shop .pausa.containers.look.pid)"
eventually "how it ended" field_is shop \
  '.status.ephemeralContainerStatuses[] | select(.name == "look").state.terminated.exitCode' 137
same "it stays ended" 0 \
  "$(field shop '.status.ephemeralContainerStatuses[] | select(.name == "look").restartCount')"
expect_exit 0 pausa stop -t 1 shop
expect_exit 0 pausa start shop
same "a pod started again has none" null "$(field shop .status.ephemeralContainerStatuses)"
