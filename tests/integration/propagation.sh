#!/usr/bin/env bash
# mountPropagation: what is mounted later on the host or in the container, and who sees it.
# Fields: VolumeMount.mountPropagation
# In a mount namespace of its own, which is "the host" here: nothing is left behind.
[[ -n ${OWN_MOUNTS:-} ]] || OWN_MOUNTS=1 exec unshare --mount --propagation private bash "$0" "$@"
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

mkdir "$work/shared" "$work/private"
mount -t tmpfs shared "$work/shared"
mount --make-shared "$work/shared"
mount -t tmpfs private "$work/private"
mount --make-private "$work/private"
mkdir "$work/shared/late" "$work/shared/inner"

up "$(
  manifest spread <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: spread
spec:
  volumes: [{name: v, hostPath: {path: $work/shared}}]
  containers:
    - {name: none, image: busybox, command: ["sleep", "3600"], volumeMounts: [{name: v, mountPath: /v}]}
    - name: slave
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts: [{name: v, mountPath: /v, mountPropagation: HostToContainer}]
    - name: both
      image: busybox
      command: ["sleep", "3600"]
      securityContext: {privileged: true}
      volumeMounts: [{name: v, mountPath: /v, mountPropagation: Bidirectional}]
YAML
)"

mount -t tmpfs late "$work/shared/late"
touch "$work/shared/late/here"
sees() { pausa exec "spread/$1" ls /v/"$2"; }
same "HostToContainer sees what the host mounts" here "$(sees slave late)"
same "Bidirectional too" here "$(sees both late)"
same "None does not" "" "$(sees none late)"

pausa exec spread/both sh -c 'mount -t tmpfs inner /v/inner && touch /v/inner/mine'
same "the host sees what a Bidirectional mount gets" mine "$(ls "$work/shared/inner")"
same "and so do its slaves" mine "$(sees slave inner)"
same "None does not" "" "$(sees none inner)"
expect_exit 0 pausa down spread
same "it stays when the pod is gone, as on a node" mine "$(ls "$work/shared/inner")"

single() { # PROPAGATION MORE VOLUME [POD-MORE]
  manifest single <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: single
spec:
  ${4:-hostUsers: true}
  volumes: [{name: v, $3}]
  containers:
    - name: a
      image: busybox
      command: ["sleep", "3600"]
      securityContext: {privileged: $2}
      volumeMounts: [{name: v, mountPath: /v, mountPropagation: $1}]
YAML
}
host="hostPath: {path: $work/private}"
expect_exit 1 pausa up -d "$(single HostToContainer false "$host")"
match "a private mount has nothing to spread" "$errors" 'not a shared or slave mount; mount --make-shared'
expect_exit 1 pausa up -d "$(single Bidirectional true "$host")"
match "nor to take" "$errors" 'not a shared mount'
expect_exit 3 pausa up -d "$(single Bidirectional false "$host")"
match "only privileged ones spread" "$errors" 'available only to privileged containers'
expect_exit 3 pausa up -d "$(single HostToContainer false 'emptyDir: {medium: Memory}')"
match "memory is the pod's own" "$errors" "Forbidden: .*pod's own"
expect_exit 3 pausa up -d "$(single Bidirectional true "$host" 'hostUsers: false')"
match "nor from a user namespace" "$errors" 'not for the host'
umount "$work/shared/late" "$work/shared/inner"
umount "$work/shared" "$work/private"
