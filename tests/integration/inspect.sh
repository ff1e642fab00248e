#!/usr/bin/env bash
# The JSON that tools read, and what ps and the small commands print.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest shop <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels: {tier: front}
spec:
  initContainers:
    - {name: prepare, image: busybox, command: ["true"]}
  containers:
    - {name: web, image: busybox, command: ["sleep", "3600"]}
    - {name: db, image: busybox, command: ["sleep", "3600"]}
YAML
)"

# inspect: the Kubernetes object with a status, and ours beside it.
for claim in '.apiVersion == "v1"' '.kind == "Pod"' '.metadata.name == "shop"' \
  '.metadata.namespace == "default"' '.metadata.labels.tier == "front"' \
  '.metadata.uid | test("^[0-9a-f]{8}-")' '.metadata.creationTimestamp | test("^20.*Z$")' \
  '.spec.containers | length == 2' '.spec.containers[0].image == "busybox"' \
  '.status.phase == "Running"' \
  '.status.conditions | map(.type) | contains(["Initialized", "Ready", "ContainersReady"])' \
  '.status.conditions[] | select(.type == "Ready") | .status == "True"' \
  '.status.startTime | test("^20.*Z$")' \
  '.status.initContainerStatuses[0].state.terminated.exitCode == 0' \
  '.status.containerStatuses | map(.name) | sort == ["db", "web"]' \
  '.status.containerStatuses | all(.ready and .started and .restartCount == 0)' \
  '.status.containerStatuses[0].state.running.startedAt | test("^20.*Z$")' \
  '.pausa.infra.pid > 1' '.pausa.supervisor.pid > 1' '.pausa.guard.pid > 1' \
  '.pausa.infra.namespaces | keys | sort == ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"]' \
  '.pausa.containers | keys | contains(["db", "web"])' \
  '.pausa.containers.web.pid > 1' '.pausa.containers.web.namespaces.mnt > 0'; do
  check "inspect: $claim" jq -e "$claim" <<<"$(pausa inspect shop)" >/dev/null
done
for actor in infra supervisor guard; do
  check "$actor runs" alive "$(field shop .pausa.$actor.pid)"
done
check "the log's path is there" test -e "$(field shop .pausa.containers.web.log)"
same "infra's name" pausa-infra "$(<"/proc/$(infra_pid shop)/comm")"
# Helpers are known by the environment that they were started with.
helpers() {
  for process in /proc/[0-9]*; do
    if [[ $(process_name "${process#/proc/}") == pausa* ]] &&
      tr '\0' '\n' <"$process/environ" | grep -qxF "PAUSA_RUNROOT=$PAUSA_RUNROOT"; then
      echo "${process#/proc/}"
    fi
  done 2>/dev/null
  infra_pid shop
}
between "one pod has at most three helper processes" 1 "$(helpers | sort -u | wc -l)" 3

# ps
up "$(three other)"
expect_exit 0 pausa ps
match "ps names the pods" "$output" 'other.*shop|shop.*other'
match "and how many members are ready" "$output" '3/3'
expect_exit 0 pausa ps -q
same "ps -q prints names only" $'other\nshop' "$(sort <<<"$output")"
expect_exit 0 pausa ps -o json
check "ps -o json is a List of Pods" \
  jq -e '.apiVersion == "v1" and .kind == "List" and (.items | length == 2)
    and (.items | all(.kind == "Pod" and .status.phase == "Running"))' <<<"$output" >/dev/null
expect_exit 0 pausa ps -o yaml
match "and as YAML" "$output" 'kind: List'
expect_exit 0 pausa pod ps
match "pod ps is an alias" "$output" 'shop'

# The aliases of podman kube.
expect_exit 0 pausa kube down "$work/other.yaml"
expect_exit 4 pausa inspect other
expect_exit 0 pausa kube play -d "$work/other.yaml"
expect_exit 0 pausa inspect other

# Small commands.
expect_exit 0 pausa explain pod.spec.containers.image
match "explain knows the field" "$output" 'image'
expect_exit '1 2 4' pausa explain pod.spec.nonsense
expect_exit 0 pausa doctor
expect_exit 0 pausa version
match "version prints one" "$output" '[0-9]+\.[0-9]+\.[0-9]+'

expect_exit 0 pausa down --all
expect_exit 0 pausa ps -q
same "and then there is none" '' "$output"
eventually "nothing is left" nothing_remains

# reset removes all that there ever was.
up "$(three again)"
expect_exit 0 pausa reset --yes
same "reset leaves no file" '' "$(find "$PAUSA_ROOT" "$PAUSA_RUNROOT" -mindepth 1 -print | head -n 5)"
eventually "and no process" nothing_remains

# --explain: every step of the executed plan, with its shell equivalent.
expect_exit 0 pausa up -d --explain "$work/again.yaml"
for word in clone setns mount pivot_root unshare nsenter; do
  check "--explain shows $word" grep -q "$word" <<<"$output$errors"
done
