#!/usr/bin/env bash
# generate kube: what it prints starts the same pod again.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

mkdir "$work/page"
up "$(
  manifest shop <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: shop
  labels: {tier: "front", version: "1.0"}
  annotations: {note: "a: b # c\nand a second line"}
spec:
  terminationGracePeriodSeconds: 1
  volumes:
    - {name: page, hostPath: {path: ./page}}
    - {name: scratch, emptyDir: {}}
  containers:
    - name: web
      image: busybox
      command: ["sh", "-c", "echo $0 > /page/said; exec sleep 1000", "0755"]
      env: [{name: EMPTY, value: ""}, {name: ANSWER, value: "yes"}]
      volumeMounts: [{name: page, mountPath: /page}, {name: scratch, mountPath: /scratch}]
YAML
)"
stable='del(.metadata.uid, .metadata.creationTimestamp, .status, .pausa)'
said() { grep -qx 0755 "$work/page/said"; }
eventually "it writes into the folder beside its manifest" said
before=$(field shop "$stable")
expect_exit 0 pausa generate kube shop
mkdir "$work/elsewhere"
echo "$output" >"$work/elsewhere/again.yaml"
expect_exit 0 pausa down -t 0 shop
rm "$work/page/said"
up "$work/elsewhere/again.yaml"
same "the same pod" "$before" "$(field shop "$stable")"
eventually "with the same folder" said
expect_exit 0 pausa kube generate shop
same "and the same manifest" "$(<"$work/elsewhere/again.yaml")" "$output"
expect_exit 4 pausa generate kube absent
expect_exit 2 pausa generate kube
expect_exit 2 pausa generate
expect_exit 0 pausa down -t 0 shop
eventually "nothing is left" nothing_remains
