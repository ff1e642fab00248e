#!/usr/bin/env bash
# Images out of layouts, archives and a registry on loopback: what their layers and configs do, and
# what they may not.
# Fields: Container.image Container.imagePullPolicy
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
store=$PAUSA_ROOT

# A root file system, and above it a layer that hides a file, a folder and what a folder held.
mkdir -p "$work"/base/{bin,etc,old,kept,tmp} "$work/top/"{old,kept,data}
cp "$(type -P busybox)" "$work/base/bin/busybox"
for applet in sh cat ls id sleep pwd env stat; do ln -s busybox "$work/base/bin/$applet"; done
printf 'root:x:0:0::/:/bin/sh\napp:x:77:78::/:/bin/sh\n' >"$work/base/etc/passwd"
echo below >"$work/base/old/below"
echo below >"$work/base/kept/below"
echo gone >"$work/base/etc/gone"
mkdir "$work/top/etc"
touch "$work/top/old/.wh..wh..opq" "$work/top/etc/.wh.gone"
echo above >"$work/top/kept/above"
echo hello >"$work/top/data/hello"
chmod 4755 "$work/top/data/hello"
tar -C "$work/base" --owner 0 --group 0 -cf "$work/base.tar" .
tar -C "$work/top" --owner 77 --group 78 -cf "$work/top.tar" .
config='{"User":"app","Env":["PATH=/bin","COLOUR=blue"],"Entrypoint":["/bin/sh","-c"],
  "Cmd":["id -u; pwd; echo $COLOUR; cat /data/hello"],"WorkingDir":"/made/here",
  "Labels":{"pausa/network":"host"}}'
"$make_image" "$work/layout" v1 "$config" "$work/base.tar" "$work/top.tar"

# What the image says is the default, below what the manifest says.
file=$(manifest shown <<EOF
apiVersion: v1
kind: Pod
metadata: {name: shown}
spec:
  restartPolicy: Never
  containers:
    - {name: plain, image: "oci:layout:v1"}
    - {name: args, image: "oci:layout:v1", args: ["ls -A /old /kept /etc; stat -c '%a %u' /data/hello"]}
    - {name: command, image: "oci:layout:v1", command: [pwd], workingDir: /data,
       securityContext: {runAsUser: 5}}
EOF
)
expect_exit 0 pausa up -d "$file"
match "it says what it pulls" "$errors" "pulling oci:$work/layout:v1"
expect_exit 0 pausa wait --for=exited shown
expect_exit 0 pausa logs --prefix=never shown/plain
same "user, folder, environment and command are the image's" $'77\n/made/here\nblue\nhello' "$output"
expect_exit 0 pausa logs --prefix=never shown/args
same "the upper layer hides what it says, and nothing else" \
  $'/etc:\npasswd\n\n/kept:\nabove\nbelow\n\n/old:\n4755 77' "$(grep -v '^hostname$\|^hosts$\|^resolv.conf$\|^mtab$' <<<"$output")"
expect_exit 0 pausa logs --prefix=never shown/command
same "command replaces entrypoint and arguments" /data "$output"
expect_exit 0 pausa down shown

# A second pod pulls nothing; the layers are unpacked once.
expect_exit 0 pausa up -d "$file"
same "no second pull" "" "$(grep pulling <<<"$errors")"
same "two layers" 2 "$(find "$store/layers" -mindepth 1 -maxdepth 1 | wc -l)"
expect_exit 0 pausa down shown

# An archive of docker save, with its name, and one that has none.
skopeo copy -q "oci:$work/layout:v1" "docker-archive:$work/saved.tar:example.com/team/app:1"
skopeo copy -q "oci:$work/layout:v1" "oci-archive:$work/bare.tar"
expect_exit 0 pausa image load -q "$work/saved.tar"
match "its own name" "$output" '^example.com/team/app:1@sha256:'
expect_exit 2 pausa image load -q "$work/bare.tar"
match "what has no name asks for one" "$errors" 'image load FILE NAME'
expect_exit 0 pausa image load -q "$work/bare.tar" mine:2
match "a name without a registry is this machine's" "$output" '^localhost/mine:2@'
gzip -c "$work/saved.tar" >"$work/saved.tar.gz"
expect_exit 0 pausa image load -q "$work/saved.tar.gz"
match "compressed, with its own name" "$output" '^example.com/team/app:1@sha256:'
expect_exit 0 skopeo inspect "oci:$store/images:example.com/team/app:1"
same "skopeo reads what was loaded" 2 "$(jq '.Layers | length' <<<"$output")"
mkdir "$work/lying" && tar -C "$work/lying" -xf "$work/saved.tar"
for layer in $(jq -r '.[0].Layers[]' "$work/lying/manifest.json"); do
  [[ -L $work/lying/$layer ]] || printf x | dd of="$work/lying/$layer" bs=1 seek=600 conv=notrunc status=none
done
(cd "$work/lying" && tar -cf ../lying.tar -- *)
expect_exit 1 pausa image load -q "$work/lying.tar" lying:1
match "other layers than the config says" "$errors" 'has the digest sha256:.*, not sha256:|[Dd]amaged|broken'
expect_exit 4 pausa image inspect localhost/lying:1
expect_exit 1 pausa image load "$work/base.tar"
match "no image" "$errors" 'neither an archive of docker save'
expect_exit 0 pausa image ls -o name
same "the list" "oci:$work/layout:v1 localhost/mine:2 example.com/team/app:1" "$(xargs <<<"$output")"
expect_exit 0 pausa image inspect example.com/team/app:1
same "its config" 'app /made/here 2' \
  "$(jq -r '[.config.user, .config.workingDir, (.layers | length)] | join(" ")' <<<"$output")"
expect_exit 4 pausa image inspect example.com/none

# One that runs on an image keeps it; nobody's layers are kept.
expect_exit 0 pausa up -d "$(manifest runs <<EOF
apiVersion: v1
kind: Pod
metadata: {name: runs}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: a, image: mine:2, imagePullPolicy: Never, args: [sleep 1000]}
EOF
)"
expect_exit 0 pausa image rm mine:2 example.com/team/app:1
expect_exit 0 pausa exec runs -- cat /data/hello
same "the pod still has its files" hello "$output"
expect_exit 0 pausa down runs
expect_exit 0 pausa image rm "oci:$work/layout:v1"
expect_exit 0 pausa image prune
same "no layer is left" 0 "$(find "$store/layers" "$store/images/blobs" -type f | wc -l)"

# A name that goes to another image leaves those alone that run on it, through every update. (The
# second image has an opaque mark behind a link.)
moving() { # moving LABEL: the pod's manifest
  manifest moving <<EOF
apiVersion: v1
kind: Pod
metadata: {name: moving, labels: {a: "$1"}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: "localhost/moving:1", imagePullPolicy: Never, args: [sleep 1000]}]
EOF
}
mkdir -p "$work/linked-top/usr/lib"
ln -s usr/lib "$work/linked-top/lib"
tar -C "$work/linked-top" -cf "$work/linked.tar" usr lib
mkdir -p "$work/mark/lib" && touch "$work/mark/lib/.wh..wh..opq"
tar -C "$work/mark" -rf "$work/linked.tar" lib/.wh..wh..opq
"$make_image" "$work/other" v1 "$config" "$work/base.tar" "$work/linked.tar"
expect_exit 0 pausa image pull -q "oci:$work/layout:v1" "oci:$work/other:v1"
expect_exit 0 pausa image tag "oci:$work/layout:v1" moving:1
expect_exit 0 pausa up -d "$(moving one)"
before=$(field moving '.status.containerStatuses[0].imageID')
expect_exit 0 pausa image tag "oci:$work/other:v1" moving:1
expect_exit 0 pausa image rm "oci:$work/layout:v1"
expect_exit 0 pausa up -d "$(moving two)"
same "the label is new" two "$(field moving .metadata.labels.a)"
same "the image is the old one" "$before" "$(field moving '.status.containerStatuses[0].imageID')"
expect_exit 0 pausa image prune
expect_exit 0 pausa exec moving -- cat /data/hello
same "and its files are there" hello "$output"
expect_exit 0 pausa down moving
expect_exit 0 pausa image rm moving:1 "oci:$work/other:v1"
same "then they go" "" "$(pausa image ls -o name)"

# What cannot be had is said before anything is made.
refused() { # refused IMAGE POLICY TEXT
  expect_exit 1 pausa up -d "$(manifest refused <<EOF
apiVersion: v1
kind: Pod
metadata: {name: refused}
spec: {containers: [{name: a, image: "$1", imagePullPolicy: $2}]}
EOF
)"
  match "$1" "$errors" "pod refused: container a: $3"
  expect_exit 4 pausa inspect refused
}
refused example.com/none:1 Never 'ErrImageNeverPull: image example.com/none:1 is not on this machine'
refused no-such-name-at-all IfNotPresent 'image no-such-name-at-all: .*; write image: docker.io/library/no-such-name-at-all:latest'
refused "oci:$work/none:v1" IfNotPresent 'ErrImagePull: image oci:'
refused 127.0.0.1:1/x Always 'ErrImagePull: image 127.0.0.1:1/x:latest: .*connection refused'
refused Upper/case IfNotPresent 'InvalidImageName: Upper/case: the name must be lower-case'

# Layers that mean harm: nothing outside, nothing kept, the entry is named.
hostile() { # hostile NAME TEXT FILE…: an image with a layer of these files of $work/evil
  local name=$1 text=$2
  shift 2
  tar -C "$work/evil" -P "$@" -cf "$work/evil.tar" 2>/dev/null || true
  rm -rf "$work/evil-layout"
  "$make_image" "$work/evil-layout" v1 '{}' "$work/base.tar" "$work/evil.tar"
  expect_exit 1 pausa image pull -q "oci:$work/evil-layout:v1"
  match "$name" "$errors" "$text"
  expect_exit 0 pausa image ls -o name
  same "$name: it is no image" "" "$output"
}
mkdir "$work/evil"
echo 1 >"$work/evil/file"
ln -s / "$work/evil/root"
mknod "$work/evil/disk" b 8 0 2>/dev/null || true
hostile "a path that leads upwards" 'entry \\?"../../victim\\?": its path leads upwards' \
  --transform 's,^file,../../victim,' file
hostile "a hard link outwards" 'leads upwards' --transform 's,^file$,../x,H' file --hard-dereference file
[[ -b $work/evil/disk ]] && hostile "a device" 'a device node 8:0' disk
tar -C "$work/evil" -cf "$work/one.tar" root
tar -C "$work/evil" --transform 's,^file,root/victim-of-pausa,' -cf "$work/two.tar" file
tar -Af "$work/one.tar" "$work/two.tar"
"$make_image" "$work/linked" v1 '{}' "$work/base.tar" "$work/one.tar"
expect_exit 0 pausa image pull -q "oci:$work/linked:v1"
[[ ! -e /victim-of-pausa ]] || fail "a link leads out of the layer"
head -c 500000 "$work/base.tar" >"$work/one.tar"
"$make_image" "$work/short" v1 '{}' "$work/one.tar"
expect_exit 1 pausa image pull -q "oci:$work/short:v1"
match "cut off" "$errors" '[Tt]runcated|cut off'

# A blob that is not what its digest says; the next attempt, with the right one, works.
"$make_image" "$work/lied" v1 '{}' "$work/base.tar"
diff_id=$(jq -r '.manifests[0].digest' "$work/lied/index.json")
config_blob=$work/lied/blobs/sha256/$(jq -r '.config.digest' "$work/lied/blobs/sha256/${diff_id#*:}" | cut -d: -f2)
sed -i 's/"linux"/"LINUX"/' "$config_blob"
expect_exit 1 pausa image pull -q "oci:$work/lied:v1"
sed -i 's/"LINUX"/"linux"/' "$config_blob"
expect_exit 0 pausa image pull -q "oci:$work/lied:v1"

# Killed at any moment: no half layer, no half image, the next attempt works and sweeps.
expect_exit 0 pausa image rm "oci:$work/lied:v1" "oci:$work/linked:v1"
for round in $(seq 8); do
  "$PAUSA" image pull -q "oci:$work/lied:v1" </dev/null >/dev/null 2>&1 &
  puller=$!
  sleep "0.0$((round * 2))"
  kill -KILL $puller 2>/dev/null || true
  wait $puller 2>/dev/null || true
  expect_exit 0 pausa image pull -q "oci:$work/lied:v1"
  expect_exit 0 pausa image inspect "oci:$work/lied:v1"
  [[ -x $(jq -r '.layers[0].path' <<<"$output")/bin/sh ]] || fail "the layer is whole (round $round)"
  expect_exit 0 pausa image rm "oci:$work/lied:v1"
done
half_made() { find "$store/layers" "$store/images" -maxdepth 1 -name '.staging-*'; }
swept() { pausa image prune -q && [[ -z $(half_made) ]]; }
eventually "nothing half made is left" swept

# Two at once share the work.
for one in 1 2; do
  pausa image pull -q "oci:$work/layout:v1" </dev/null >/dev/null 2>"$work/pull.$one" &
  pullers[one]=$!
done
for one in 1 2; do wait "${pullers[one]}" || fail "both succeed" "$(cat "$work/pull.$one")"; done
same "one image" 1 "$(pausa image ls -o name | wc -l)"

# A registry.
if ! type -P docker-registry >/dev/null; then
  echo "not tested: a registry (docker-registry is not installed)"
  exit 0
fi
start_registry
skopeo copy -q --dest-tls-verify=false "oci:$work/layout:v1" "docker://127.0.0.1:$port/team/app:1"
expect_exit 1 pausa image pull -q "127.0.0.1:$port/team/app:1"
match "without a certificate only when told" "$errors" 'HTTP response to HTTPS client'
expect_exit 0 pausa image pull -q --tls-verify=false "127.0.0.1:$port/team/app:1"
expect_exit 1 pausa image pull -q --tls-verify=false "127.0.0.1:$port/team/app:2"
match "a tag that is not there" "$errors" 'manifest unknown'
expect_exit 0 pausa up -d "$(manifest pulled <<EOF
apiVersion: v1
kind: Pod
metadata: {name: pulled}
spec:
  restartPolicy: Never
  containers: [{name: a, image: "127.0.0.1:$port/team/app:1"}]
EOF
)"
expect_exit 0 pausa wait --for=exited pulled
match "it ran" "$(pausa logs pulled)" hello
expect_exit 0 pausa down pulled
