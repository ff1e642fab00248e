#!/usr/bin/env bash
# Images as trees to look at, and the disk freed of what nobody needs; as root and without privileges.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"
subordinate_ids

mkdir -p "$work"/base/bin "$work"/top/data
cp "$(type -P busybox)" "$work/base/bin/busybox"
for applet in sh cat ls sleep; do ln -s busybox "$work/base/bin/$applet"; done
echo below >"$work/base/below"
echo hello >"$work/top/data/hello"
touch "$work/top/.wh.below"
tar -C "$work/base" --owner 0 --group 0 -cf "$work/base.tar" .
tar -C "$work/top" --owner 77 --group 77 -cf "$work/top.tar" .
"$make_image" "$work/two" v1 '{"Cmd":["sleep","1000"],"Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}}}' "$work/base.tar" "$work/top.tar"
"$make_image" "$work/one" v1 '{"Cmd":["sleep","1000"]}' "$work/base.tar"
"$make_image" "$work/none" v1 '{}'
chmod -R a+rX "$work"/{one,two,none}
two=oci:$work/two:v1 one=oci:$work/one:v1

expect_exit 0 pausa image pull -q "$two" "$one" "oci:$work/none:v1"
expect_exit 0 pausa image mount "$two"
root=$output
same "the union of its layers" $'bin\ndata' "$(ls "$root")"
same "with their owners" 77 "$(stat -c %u "$root/data/hello")"
touch "$root/x" 2>/dev/null && fail "it is read-only"
expect_exit 0 pausa image mount "$two"
same "twice is once" "$root 1" "$output $(grep -c " $root " /proc/self/mountinfo)"
expect_exit 0 pausa image mount "oci:$work/none:v1"
same "an image without layers" "" "$(ls -A "$output")"
expect_exit 0 pausa image mount "$one"
plain=$output
touch "$plain/x" 2>/dev/null && fail "one layer is read-only, too"
expect_exit 0 pausa image mount
same "all are listed" 3 "$(wc -l <<<"$output")"
match "by name and place" "$output" "$two $root"
expect_exit 0 pausa image rm "$two"
same "what is mounted stays" hello "$(cat "$root/data/hello")"
expect_exit 0 pausa image umount "$two"
[[ ! -e $root ]] || fail "nothing is left of the mount"
expect_exit 4 pausa image umount "$two"
expect_exit 0 pausa image umount "$one"
expect_exit 1 pausa image umount "$one"
expect_exit 0 pausa image umount --all
same "none" "" "$(pausa image mount)"
expect_exit 0 pausa image prune
expect_exit 0 pausa image pull -q "$two"
expect_exit 3 pausa image mount "$two" -- sh -c 'cat data/hello; exit 3'
same "a command in its root" hello "$output"
same "and in no other's sight" "" "$(grep -F "$PAUSA_RUNROOT/mounts" /proc/self/mountinfo)"
expect_exit 127 pausa image mount "$two" -- /no/such
expect_exit 4 pausa image mount example.com/none:1

# Its config, as it is shown.
expect_exit 0 pausa image inspect "$two"
same "volumes and ports" '/data 80/tcp' "$(jq -r '.config | "\(.volumes[0]) \(.exposedPorts[0])"' <<<"$output")"
expect_exit 0 pausa image tree -o json "$two"
same "layers, the uppermost first, and who has them, too" "0 $one" \
  "$(jq -r '"\(.layers[0].sharedWith | length) \(.layers[1].sharedWith[0])"' <<<"$output")"

# A folder that the image wants is made in its own files, never in what the manifest mounts.
"$make_image" "$work/wants" v1 '{"Cmd":["sleep","1000"],"Volumes":{"/deep/er":{},"/mine/er":{},"/proc/er":{},"/../up":{},"/below/er":{},"here":{},"/":{}}}' "$work/base.tar"
mkdir "$work/mine"
for root in true false; do
  expect_exit 0 pausa up -d "$(manifest wants <<YAML
apiVersion: v1
kind: Pod
metadata: {name: wants}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - name: a
      image: "oci:$work/wants:v1"
      securityContext: {readOnlyRootFilesystem: $root}
      volumeMounts: [{name: v, mountPath: /mine}]
  volumes: [{name: v, hostPath: {path: mine}}]
YAML
)"
  expect_exit 0 pausa exec wants -- sh -c 'ls -d /deep/er /up; ls -A /mine; cat /below; touch /deep/er/x 2>/dev/null && echo written; true'
  if [[ $root == true ]]; then words=; else words=$'\nwritten'; fi
  same "read-only: $root" $'/deep/er\n/up\nbelow'"$words" "$output"
  same "nothing in the host's folder" "" "$(ls -A "$work/mine")"
  expect_exit 0 pausa down wants
done
expect_exit 0 pausa image rm "oci:$work/wants:v1"

# system prune: what has ended and what has no name, at a wish what nobody uses.
pod() { # pod NAME COMMAND IMAGE [VOLUME]
  manifest "$1" <<YAML
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: $1}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: "$3", command: [$2], volumeMounts: [{name: v, mountPath: /v}]}]
  volumes: [{name: v, persistentVolumeClaim: {claimName: $1}}]
YAML
}
expect_exit 0 pausa up -d "$(pod ended 'sh, -c, "echo x >/v/x"' "$two")" "$(pod runs 'sleep, "1000"' "$one")"
trace runs
eventually "one has ended" field_is ended .status.phase Succeeded
expect_exit 2 pausa system prune
match "it asks" "$errors" 'give --force to do so, or --dry-run'
expect_exit 0 pausa system prune --all --volumes --dry-run
told=$output
match "what would go" "$told" 'pod/ended'
match "what would go" "$told" "image $two"
match "and how much" "$errors" 'pausa: [1-9][0-9.]*[KMG]?B? would be freed'
expect_exit 0 pausa inspect ended
expect_exit 0 pausa system prune -f
same "only the pod" "pod/ended" "$output"
check "its claim stays" test -e "$PAUSA_ROOT/volumes/default_ended/x"
expect_exit 0 pausa image mount "$two"
expect_exit 0 pausa system prune -f -a --volumes
match "the image" "$output" "image $two"
match "the claim" "$output" 'persistentvolumeclaim/ended'
match "how much" "$errors" 'pausa: [1-9][0-9.]*[KMG]?B? freed'
[[ ! -e $root ]] || fail "what was mounted is not any more"
same "what runs has all it needs" "$one" "$(pausa image ls -o name)"
expect_exit 0 pausa exec runs -- ls /v
expect_exit 0 pausa image mount "$one"
expect_exit 0 pausa down --volumes "$work/runs.yaml"

# A pod of an earlier boot is a stopped one: it goes, and it is said what it was.
expect_exit 0 pausa up -d "$(pod before 'sleep, "1000"' "$one")"
expect_exit 0 pausa stop before
rm -r "$PAUSA_RUNROOT/pods/default_before"
expect_exit 0 pausa system prune -f --dry-run
match "it is told apart" "$errors" 'pod before has no state, by a reboot .*: pausa start would start it'
same "output is for programs" "pod/before" "$(head -n 1 <<<"$output")"
expect_exit 0 pausa system prune -f
match "it goes" "$output" '^pod/before'
match "it is said what it was" "$errors" 'pod before has no state'
expect_exit 4 pausa inspect before
expect_exit 0 pausa down --volumes "$work/before.yaml"

# What an up that was cut off needs may not go, nor what one needs that nobody can read.
echo '{' >"$PAUSA_ROOT/undo/broken.json"
for _ in once more; do
  expect_exit 1 pausa image prune
  match "the file is named" "$errors" 'undo/broken.failed: it is damaged; nobody knows what it needs'
  expect_exit 1 pausa system prune -f --all
done
match "everything is there" "$(pausa image ls -o name)" "$one"
rm "$PAUSA_ROOT/undo/broken.failed"
expect_exit 0 pausa image prune

# Without privileges.
expect_exit 0 mine image pull -q "$two" "$one"
expect_exit 1 mine image mount "$two"
match "nobody else would see it" "$errors" 'only root can .*image mount .* -- COMMAND'
expect_exit 0 mine image mount "$two" -- sh -c 'ls; cat data/hello; stat -c %u data/hello; touch x 2>&1; true'
match "a private view" "$output" $'^bin\ndata\nhello\n77\n.*Read-only'
expect_exit 0 mine image tree "$two"
match "the tree" "$output" "$one"
expect_exit 0 as_user sh -c "mkdir -p ~/rootfs/bin && cp '$(type -P busybox)' ~/rootfs/bin/busybox && ln -sf busybox ~/rootfs/bin/sh"
expect_exit 0 mine image build-from -q --cmd /bin/sh "$home/rootfs" built:1
expect_exit 0 mine image save -q -o "$home/all.tar" built:1 "$two"
expect_exit 0 as_user tar -C "$home/rootfs" -cf "$home/rootfs.tar" .
expect_exit 0 mine image import -q "$home/rootfs.tar" imported:1
expect_exit 0 mine image rm built:1 "$two"
expect_exit 0 mine image load -q "$home/all.tar"
match "saved and loaded" "$(mine image ls -o name | xargs)" "localhost/built:1"
as_user sh -c 'cat >~/lock.yaml' <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: locked}
spec: {restartPolicy: Never, containers: [{name: a, image: "localhost/built:1", command: [/bin/sh, -c, "echo it runs"]}]}
YAML
expect_exit 0 mine image lock "$home/lock.yaml"
expect_exit 0 mine image lock --check "$home/lock.yaml"
expect_exit 0 mine up -d "$home/lock.yaml"
match "locked" "$errors" 'lock.yaml.lock: 1 image as locked'
expect_exit 0 mine wait --for=exited locked
expect_exit 0 mine image prune
expect_exit 0 mine system prune -f --all
match "the pod and the images" "$(xargs <<<"$output")" 'pod/locked .*image localhost/built:1'
same "nothing is left" "" "$(find "$home/.local/share/pausa/layers" -mindepth 1)"
same "no image" "" "$(mine image ls -o name)"

# Files of ids that only the user's namespaces have do not keep images from being removed.
expect_exit 0 mine image pull -q "$two"
expect_exit 0 mine reset --yes
same "no layer is left" "" "$(find "$home/.local/share/pausa" -path '*/layers/*')"
