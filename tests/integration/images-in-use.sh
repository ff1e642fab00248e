#!/usr/bin/env bash
# Images that something begins to use, or did: nobody takes them away in between.
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
for tool in skopeo python3; do type -P $tool >/dev/null || skip "$tool is not installed"; done

two_versions '{"Env":["PATH=/bin"]}' sh cat ls sleep
for version in one two; do expect_exit 0 pausa image pull -q "oci:$work/$version:v1"; done
layers() { find "$PAUSA_ROOT/layers" -mindepth 1 -maxdepth 1 | wc -l; }

# An up that has looked its images up stands still: somebody else holds the pod's lock.
expect_exit 0 pausa image tag "oci:$work/one:v1" app:1
expect_exit 0 pausa image rm "oci:$work/one:v1" "oci:$work/two:v1"
mkdir -p "$PAUSA_RUNROOT/pods/default_app"
mkfifo "$work/go"
python3 - "$PAUSA_RUNROOT/pods/default_app/lock" "$work/held" "$work/go" <<'PYTHON' &
import fcntl, os, sys
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
open(sys.argv[3]).read()
PYTHON
holder=$!
at_end "kill $holder 2>/dev/null"
eventually "the pod is locked" test -e "$work/held"
"$PAUSA" up -d "$(manifest app <<YAML
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: a, image: "app:1", imagePullPolicy: Never, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}
  volumes: [{name: v, image: {reference: "localhost/app:1", pullPolicy: Never}}]
YAML
)" </dev/null >"$work/up" 2>&1 &
up=$!
uses() { awk -v pid=$up '$2 == "POSIX" && $4 == "READ" && $5 == pid' /proc/locks | grep .; }
eventually "up has looked the image up" uses
expect_exit 1 pausa image prune
match "nothing is pruned" "$errors" 'images are being brought in or started; try again'
expect_exit 0 pausa image rm app:1
match "a name can go" "$errors" 'pausa image prune removes the files later'
same "the layer stays" 1 "$(layers)"
echo go >"$work/go"
wait $holder
wait $up || fail "up goes on" "$(cat "$work/up")"
trace app
expect_exit 0 pausa image prune
same "now the record names it" 1 "$(layers)"
expect_exit 0 pausa exec app -- cat /version /v/version
same "files of the container and of the volume" $'one\none' "$output"
awk '$2 == "POSIX"' /proc/locks >"$work/locks"
for process in $(field app '.pausa | .supervisor.pid, .guard.pid, .infra.pid'); do
  awk -v pid="$process" '$5 == pid' "$work/locks" | grep -q . && fail "process $process of the pod holds a lock of the images"
done
expect_exit 0 pausa down app
expect_exit 0 pausa image prune
same "nobody needs it any more" 0 "$(layers)"

# Many at once: whoever wins, no pod runs without its files.
expect_exit 0 pausa image pull -q "oci:$work/one:v1"
file=$(manifest race <<YAML
apiVersion: v1
kind: Pod
metadata: {name: race}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: localhost/race, imagePullPolicy: Never, command: [sh, -c, "cat /version; sleep 1000"]}]
YAML
)
for _ in {1..12}; do
  expect_exit 0 pausa image tag "oci:$work/one:v1" race
  expect_exit 0 pausa image rm "oci:$work/one:v1"
  "$PAUSA" image rm race </dev/null >/dev/null 2>&1 &
  removal=$!
  run pausa up -d "$file"
  wait $removal
  if ((code == 0)); then
    expect_exit 0 pausa exec race -- cat /version
    same "it has its files" one "$output"
  else
    match "or there was no image" "$errors" 'ErrImageNeverPull|is not on this machine'
  fi
  run pausa down race
  expect_exit 0 pausa image pull -q "oci:$work/one:v1"
done

# What is taken back runs on the images that it ran on, volumes, too.
expect_exit 0 pausa image pull -q "oci:$work/two:v1"
pod() { # pod HOSTNAME
  cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: back}
spec:
  hostname: $1
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, image: {reference: "localhost/data:1"}}]
YAML
}
expect_exit 0 pausa image tag "oci:$work/one:v1" data:1
expect_exit 0 pausa up -d "$(pod one | manifest set)"
expect_exit 0 pausa image tag "oci:$work/two:v1" data:1
expect_exit 1 pausa up -d "$({ pod two; cat <<'YAML'
---
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec: {containers: [{name: a, image: busybox, command: [/no/such]}]}
YAML
} | manifest set)"
match "it is taken back" "$errors" 'taking back what was begun'
trace back
expect_exit 0 pausa exec back -- cat /v/version
same "with the volume that it had" one "$output"
expect_exit 0 pausa down back

# An image without a layer: an empty volume, in every kind of user namespace.
"$make_image" "$work/empty" v1 '{}'
expect_exit 0 pausa image pull -q "oci:$work/empty:v1"
for users in true false; do
  expect_exit 0 pausa up -d "$(manifest empty <<YAML
apiVersion: v1
kind: Pod
metadata: {name: empty}
spec:
  hostUsers: $users
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: busybox, command: [sleep, "1000"], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, image: {reference: "oci:$work/empty:v1"}}]
YAML
)"
  expect_exit 0 pausa exec empty -- sh -c 'ls -A /v; stat -c %a:%u /v; touch /v/x 2>&1; true'
  match "it is there and empty (hostUsers: $users)" "$output" $'^755:0\n.*Read-only'
  expect_exit 0 pausa down empty
done

# A manifest that lies about the size of a layer which another image has: only the liar is refused.
expect_exit 0 pausa image rm data:1 "oci:$work/two:v1"
cp -r "$work/one" "$work/liar"
blobs=$work/liar/blobs/sha256
manifest=$(jq -r '.manifests[0].digest' "$work/liar/index.json")
jq -c '.layers[0].size += 1' "$blobs/${manifest#*:}" >"$work/lie"
digest=$(sha256sum <"$work/lie")
cp "$work/lie" "$blobs/${digest%% *}"
jq -c --arg d "sha256:${digest%% *}" --argjson s "$(stat -c %s "$work/lie")" '.manifests[0].digest = $d | .manifests[0].size = $s' \
  "$work/liar/index.json" >"$work/index" && cp "$work/index" "$work/liar/index.json"
layer=$(jq -r '.layers[0].digest' "$work/lie")
rm -r "$(pausa image inspect "oci:$work/one:v1" | jq -r '.layers[0].path')"
expect_exit 1 pausa image pull -q "oci:$work/liar:v1"
match "it is told" "$errors" "has [0-9]+ bytes, its descriptor says [0-9]+"
check "the blob stays" test -f "$PAUSA_ROOT/images/blobs/sha256/${layer#*:}"
