#!/usr/bin/env bash
# The images on this machine: what is damaged is told and mended, what two want is brought once.
# Fields: Container.image Volume.image
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"
store=$PAUSA_ROOT

mkdir -p "$work"/base/bin "$work"/top/data
cp "$(type -P busybox)" "$work/base/bin/busybox"
for applet in sh cat ls sleep; do ln -s busybox "$work/base/bin/$applet"; done
echo hello >"$work/top/data/hello"
tar -C "$work/base" --owner 0 --group 0 -cf "$work/base.tar" .
tar -C "$work/top" --owner 0 --group 0 -cf "$work/top.tar" .
config='{"Env":["PATH=/bin"],"Cmd":["sleep","1000"],"Labels":{"made":"by hand"},"ExposedPorts":{"80/tcp":{}}}'
"$make_image" "$work/layout" v1 "$config" "$work/base.tar" "$work/top.tar"
"$make_image" "$work/small" v1 '{"Cmd":["ls"]}' "$work/base.tar"
big=oci:$work/layout:v1 small=oci:$work/small:v1

# A damaged image hides no other, says what mends it, and is mended by that.
expect_exit 0 pausa image pull -q "$big" "$small"
blob_of() { # blob_of IMAGE JQ: the file of a digest in the manifest
  local blobs=$store/images/blobs/sha256 digest
  digest=$(jq -r --arg n "$1" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $n) | .digest' \
    "$store/images/index.json")
  [[ $2 == . ]] || digest=$(jq -r "$2" "$blobs/${digest#*:}")
  echo "$blobs/${digest#*:}"
}
damage() { # damage FILE TEXT
  : >"$1"
  expect_exit 1 pausa image ls
  match "the other is listed" "$output" "oci:$work/small:v1 .*B"
  match "the damaged one is shown" "$output" "$big .*damaged"
  match "why and what to do" "$errors" "image $big: damaged: .*$2.*pausa image pull $big mends it"
  expect_exit 1 pausa image ls -o json
  same "as data" "$big" "$(jq -r '.items[] | select(.damaged) | .name' <<<"$output")"
  expect_exit 1 pausa image prune
  match "prune tells it" "$errors" "image $big: damaged"
  expect_exit 0 pausa image inspect "$small"
  expect_exit 0 pausa image pull -q "$big"
  expect_exit 0 pausa image ls
}
damage "$(blob_of "$big" .)" 'manifest .* has another size'
damage "$(blob_of "$big" .config.digest)" 'config .* has another size'
gone=$(pausa image inspect "$big" | jq -r '.layers[1].path')
: >"$(blob_of "$big" '.layers[1].digest')"
rm -r "$gone"
expect_exit 1 pausa image ls
match "a layer that is gone" "$errors" "the unpacked layer .* is gone"
expect_exit 1 pausa up -d "$(manifest broken <<EOF
apiVersion: v1
kind: Pod
metadata: {name: broken}
spec: {containers: [{name: a, image: "$big", imagePullPolicy: Never}]}
EOF
)"
match "up tells it" "$errors" "image $big: damaged: the unpacked layer .* is gone; pausa image pull"
expect_exit 0 pausa image pull -q "$big"
same "the layer is there again" hello "$(cat "$gone/data/hello")"
: >"$(blob_of "$big" .)"
expect_exit 0 pausa image rm "$big"
expect_exit 0 pausa image ls -o name
same "or it is given up" "$small" "$output"
same "and its layers go" 1 "$(find "$store/layers" -mindepth 1 -maxdepth 1 | wc -l)"

# Who wants what another process brings waits for it; when that one dies, the next one does it.
slow=$work/slow
mkdir "$slow"
head -c 60000000 /dev/urandom >"$slow/blob"
tar -C "$slow" -cf "$work/slow.tar" blob
"$make_image" "$work/slow-layout" v1 '{}' "$work/slow.tar"
staging() { [[ -n $(find "$store/images" -maxdepth 1 -name '.staging-*') ]]; }
begins() { staging || dead $first; }
stands() { stands_still $first || dead $first; }
stopped_at_work() {
  "$PAUSA" image pull -q "oci:$work/slow-layout:v1" </dev/null >/dev/null 2>&1 &
  first=$!
  eventually "the first is at work" begins
  kill -STOP $first
  eventually "it stands still" stands
  staging && alive $first
}
until stopped_at_work; do # it was quicker than we
  wait $first
  expect_exit 0 pausa image rm "oci:$work/slow-layout:v1"
done
"$PAUSA" image pull -q "oci:$work/slow-layout:v1" </dev/null >"$work/second" 2>&1 &
second=$!
waits() { grep -q -- '-> OFDLCK' /proc/locks || [[ $(cat "/proc/$second/wchan") == *fcntl* ]]; }
eventually "the second waits" waits
kill -KILL $first
wait $second || fail "the second does it" "$(cat "$work/second")"
wait $first 2>/dev/null || true
match "and has it" "$(cat "$work/second")" "slow-layout:v1@sha256:"
expect_exit 0 pausa image rm "oci:$work/slow-layout:v1"

# An image of several layers as a volume: their union, a part of it, in every kind of user
# namespace; the pod keeps it while its name is gone.
mkdir -p "$work/upper/data/deep" "$work/upper/etc"
echo upper >"$work/upper/data/deep/file"
touch "$work/upper/data/.wh.hello"
ln -s /data/deep "$work/upper/link"
tar -C "$work/upper" --owner 77 --group 0 -cf "$work/upper.tar" .
"$make_image" "$work/three" v1 '{}' "$work/base.tar" "$work/top.tar" "$work/upper.tar"
expect_exit 0 pausa image pull -q "oci:$work/three:v1"
expect_exit 0 pausa image tag "oci:$work/three:v1" three:1
for users in true false; do
  expect_exit 0 pausa up -d "$(manifest volumes <<EOF
apiVersion: v1
kind: Pod
metadata: {name: volumes}
spec:
  hostUsers: $users
  terminationGracePeriodSeconds: 0
  securityContext: {fsGroup: 5}
  containers:
    - name: a
      image: busybox
      command: [sleep, "1000"]
      volumeMounts:
        - {name: v, mountPath: /v}
        - {name: v, mountPath: /part, subPath: link}
        - {name: v, mountPath: /etc/file, subPath: data/deep/file}
  volumes: [{name: v, image: {reference: "localhost/three:1", pullPolicy: IfNotPresent}}]
EOF
)"
  expect_exit 0 pausa exec volumes -- sh -c 'ls /v/data; ls /part; cat /etc/file; stat -c %u:%g /etc/file; ls /v/bin | wc -l; touch /part/x 2>&1; true'
  same "the union of the layers (hostUsers: $users)" $'deep\nfile\nupper\n77:0\n5' "$(sed '$d' <<<"$output")"
  match "read-only" "$output" 'Read-only file system'
  if [[ $users == true ]]; then
    expect_exit 0 pausa image rm three:1 "oci:$work/three:v1"
    expect_exit 0 pausa image prune
    expect_exit 0 pausa restart volumes/a
    expect_exit 0 pausa exec volumes -- cat /etc/file
    expect_exit 0 pausa stop volumes
    expect_exit 0 pausa start volumes
    expect_exit 0 pausa exec volumes -- cat /etc/file
    expect_exit 0 pausa down volumes
    expect_exit 0 pausa image prune
    same "then they go" 1 "$(find "$store/layers" -mindepth 1 -maxdepth 1 | wc -l)"
    expect_exit 0 pausa image pull -q "oci:$work/three:v1"
    expect_exit 0 pausa image tag "oci:$work/three:v1" three:1
  fi
done
expect_exit 0 pausa down volumes
expect_exit 1 pausa up -d "$(manifest lost <<EOF
apiVersion: v1
kind: Pod
metadata: {name: lost}
spec:
  containers: [{name: a, image: busybox, volumeMounts: [{name: v, mountPath: /v, subPath: none}]}]
  volumes: [{name: v, image: {reference: "localhost/three:1"}}]
EOF
)"
match "a part that is not there" "$errors" 'take subPath none of volume v: No such file'

expect_exit 0 pausa image rm three:1 "oci:$work/three:v1"

# Saved, carried away, loaded again under the same names; what a manifest needs in one file.
expect_exit 0 pausa image pull -q "$big"
expect_exit 0 pausa image tag "$big" example.com/team/app:1
expect_exit 0 pausa image save -o "$work/two.tar" example.com/team/app:1 "$small"
expect_exit 0 pausa image save -o "$work/again.tar" example.com/team/app:1 "$small"
cmp "$work/two.tar" "$work/again.tar" || fail "the same images give the same bytes"
app=$(pausa image ls -o json | jq -r '.items[] | select(.name == "example.com/team/app:1") | .digest')
same "other tools read it" "$app" "$(skopeo inspect --format '{{.Digest}}' "oci-archive:$work/two.tar:example.com/team/app:1")"
expect_exit 0 pausa image save -o "$work/docker.tar" --format docker-archive example.com/team/app:1
expect_exit 2 pausa image save -o "$work/none.tar" --format docker-archive "$big" "$small"
expect_exit 4 pausa image save -o "$work/none.tar" example.com/none:1
[[ ! -e $work/none.tar ]] || fail "no file of what cannot be saved"
file=$(manifest all <<EOF
apiVersion: v1
kind: Pod
metadata: {name: all}
spec:
  initContainers: [{name: i, image: busybox}]
  containers: [{name: a, image: example.com/team/app:1}]
  volumes: [{name: v, image: {reference: "$small"}}]
EOF
)
expect_exit 3 pausa image save --all -o "$work/none.tar" "$(manifest invalid <<<'{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {}}')"
match "it is said why" "$errors" 'spec.containers.*nothing was saved'
expect_exit 0 pausa image save -q --all -o "$work/all.tar" "$file"
same "nothing else is in the folder" "" "$(find "$work" -maxdepth 1 -name '*staging*')"
expect_exit 0 pausa image rm example.com/team/app:1 "$small" "$big"
same "all gone" "" "$(pausa image ls -o name)"
expect_exit 0 pausa image load -q "$work/all.tar"
same "all there" "example.com/team/app:1 $small" "$(pausa image ls -o name | sort | xargs)"
same "the same image" "$app" "$(pausa image ls -o json | jq -r '.items[] | select(.name == "example.com/team/app:1") | .digest')"
expect_exit 2 pausa image load -q "$work/all.tar" other:1
expect_exit 0 pausa image rm example.com/team/app:1
expect_exit 0 pausa image load -q "$work/docker.tar"
match "docker's kind of archive keeps its name" "$output" '^example.com/team/app:1@'

# An image out of a folder or a tar: the same contents have the same digest, whenever they were made.
cp -a "$work/base" "$work/base2"
touch "$work/base2/bin/sh" "$work/base2/bin"
expect_exit 0 pausa image build-from -q --cmd cat --cmd /etc/hostname --env A=B "$work/base" mine:1
first=${output#*@}
expect_exit 0 pausa image build-from -q --cmd cat --cmd /etc/hostname --env A=B "$work/base2" mine:2
same "the same digest" "localhost/mine:2@$first" "$output"
gzip -k "$work/base.tar"
expect_exit 0 pausa image import -q --workdir /bin --entrypoint ./sh "$work/base.tar" tar:1
plain=${output#*@}
zipped=$("$PAUSA" image import -q --workdir /bin --entrypoint ./sh - zipped:1 <"$work/base.tar.gz")
same "compressed or not" "localhost/zipped:1@$plain" "$zipped"
expect_exit 2 pausa image import -q --workdir bin "$work/base.tar" tar:1
expect_exit 1 pausa image import -q "$work/layout/index.json" tar:2
expect_exit 1 pausa image import -q /dev/null tar:2
expect_exit 0 pausa up -d "$(manifest built <<EOF
apiVersion: v1
kind: Pod
metadata: {name: built}
spec:
  restartPolicy: Never
  containers:
    - {name: a, image: "mine:1", imagePullPolicy: Never}
    - {name: b, image: "tar:1", imagePullPolicy: Never, args: [-c, pwd]}
EOF
)"
expect_exit 0 pausa wait --for=exited built
match "they run" "$(pausa logs built)" '/bin'
expect_exit 0 pausa down built
expect_exit 0 pausa image tree mine:2
match "who has its layer, too" "$output" 'sha256:[0-9a-f]{12} .* localhost/mine:1'
same "nothing half made is left" "" "$(find "$store/images" "$store/layers" -maxdepth 1 -name '.staging-*')"

# Progress: lines on a pipe, objects where asked for; several at once.
expect_exit 0 pausa image rm "$small" mine:1 mine:2 tar:1 zipped:1 example.com/team/app:1
expect_exit 0 pausa image pull "$big" "$small"
match "a beginning" "$errors" "pausa: pulling $big"
match "and an end" "$errors" "pausa: pulled $small in [0-9.]* s"
expect_exit 0 pausa image pull --progress json "$small"
same "objects" "pulling pulled" "$(jq -r .status <<<"$errors" | sort -u | grep -v unpacking | sort | tr '\n' ' ' | sed 's/pulled pulling /pulling pulled/')"
expect_exit 0 pausa image pull --progress none "$small"
same "nothing" "" "$errors"
expect_exit 2 pausa image pull --progress loud "$small"

# What takes up the disk: the layers at least as much as the files in them.
expect_exit 0 pausa system df
match "for people" "$output" 'layers +[0-9]+ +[0-9.]+MB'
expect_exit 0 pausa system df -o json
same "images" "$(pausa image ls -o name | wc -l)" "$(jq .images.count <<<"$output")"
(($(jq .layers.bytes <<<"$output") >= $(stat -c %s "$work/base/bin/busybox"))) || fail "layers count" "$output"
expect_exit 2 pausa system

# Labels and annotations of an image steer nothing, whoever's words they are: the container is what
# it is without them.
labels='"Labels":{"pausa/network":"host","pausa/monotonic-offset":"1h","io.podman.annotations.privileged":"TRUE",
  "io.podman.annotations.seccomp":"unconfined","io.kubernetes.cri-o.userns-mode":"host","io.kubernetes.cri-o.Devices":"/dev/sda",
  "io.containers.capabilities":"ALL","run.oci.keep_original_groups":"1","org.systemd.property.TasksMax":"1"}'
words='"Entrypoint":["/bin/sh","-c","exec 2>\u00261; cat /proc/self/status /proc/self/mounts; ls /dev; cat /proc/uptime /sys/fs/cgroup/pids.max"]'
"$make_image" "$work/plain" v1 "{$words}" "$work/base.tar"
"$make_image" "$work/labelled" v1 "{$words,$labels}" "$work/base.tar"
for kind in plain labelled; do
  expect_exit 0 pausa up -d -q "$(manifest "$kind" <<EOF
apiVersion: v1
kind: Pod
metadata: {name: $kind}
spec:
  restartPolicy: Never
  containers: [{name: a, image: "oci:$work/$kind:v1"}]
EOF
)"
  expect_exit 0 pausa wait --for=exited "$kind"
  pausa logs --prefix=never "$kind" | grep -E '^(Cap|Seccomp|NoNew|Uid|Gid|Groups|NSpid)|/proc|/sys|/dev|^[a-z]+$' |
    sed -E 's/(lowerdir|upperdir|workdir)=[^ ,]*//g' >"$work/$kind.seen"
  [[ -s $work/$kind.seen ]] || fail "$kind has something to say" "$(pausa logs "$kind")"
  expect_exit 0 pausa down "$kind"
done
same "what it sees of itself" "$(cat "$work/plain.seen")" "$(cat "$work/labelled.seen")"
