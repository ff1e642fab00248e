#!/usr/bin/env bash
# An up that fails gives back the images that ran, whatever their names mean by now; what cannot be
# given back is not forgotten either.
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"

two_versions '{"Env":["PATH=/bin"]}' sh cat sleep
for version in one two; do expect_exit 0 pausa image pull -q "oci:$work/$version:v1"; done

# pod NAME COMMAND [IMAGE [SPEC-LINE]]: a document.
pod() {
  cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  terminationGracePeriodSeconds: 0
  ${4:-restartPolicy: Always}
  containers: [{name: main, image: "${3:-localhost/app:1}", command: [$2]}]
YAML
}
idle='sleep, "1000"'
bad() { pod bad /no/such busybox; }
version() { pausa exec "$1" cat /version; }

expect_exit 0 pausa image tag "oci:$work/one:v1" app:1
expect_exit 0 pausa up -d "$({ pod changed "$idle"; pod anew "$idle"; } | manifest set)"
infra=$(infra_pid changed)
expect_exit 0 pausa image tag "oci:$work/two:v1" app:1
expect_exit 1 pausa up -d "$({ pod changed 'sleep, "1001"'; pod anew "$idle" '' 'hostname: other'; bad; } | manifest set)"
match "it is told" "$errors" 'taking back what was begun'
same "the living pod lives on" "$infra" "$(infra_pid changed)"
same "with its old command" 1000 "$(field changed '.spec.containers[0].command[1]')"
eventually "and runs" field_is changed '.status.containerStatuses[0].ready' true
same "on its old image" one "$(version changed)"
same "the one that was made anew is on its old image, too" one "$(version anew)"
expect_exit 0 pausa up -d "$({ pod changed 'sleep, "1001"'; pod anew "$idle" '' 'hostname: other'; } | manifest set)"
same "an up that succeeds brings the new image" "two two" "$(version changed) $(version anew)"
expect_exit 0 pausa down -t 0 changed anew

# What it ran on is gone meanwhile: what it was can still be read.
cp -r "$work/tree" "$work/gone"
expect_exit 0 pausa up -d "$(pod lost "$idle" "dir:$work/gone" | manifest set)"
trace lost
rm -r "$work/gone"
expect_exit 1 pausa up -d "$({ pod lost "$idle" busybox; bad; } | manifest set)"
kept=$(sed -n 's/.*how it was before is written in //p' <<<"$errors")
check "a file is named" test -f "$kept"
match "it has what ran" "$(jq -r '.pods[0].manifest' "$kept")" "dir:$work/gone"
expect_exit 0 pausa ps -a
same "it is not tried again and again" "" "$errors"
expect_exit 0 pausa down -t 0 --all

# A journal that cannot be read is put aside, too.
echo '{' >"$PAUSA_ROOT/undo/broken.json"
expect_exit 0 pausa ps -a
match "it is named" "$errors" 'undo/broken.json: it is damaged.*undo/broken.failed'
check "it is kept" test -f "$PAUSA_ROOT/undo/broken.failed"
expect_exit 0 pausa ps -a
same "once" "" "$errors"
expect_exit 0 pausa image rm app:1 "oci:$work/one:v1" "oci:$work/two:v1"
match "what it may need stays" "$errors" 'the files stay: .*undo/broken.failed: it is damaged'
rm "$PAUSA_ROOT/undo/broken.failed"
expect_exit 0 pausa image prune
eventually "nothing is left" nothing_remains
