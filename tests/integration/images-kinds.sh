#!/usr/bin/env bash
# Kinds of images beside the usual: an index of several architectures, layers of zstd and without
# compression, podman's own store; and a pull as a person sees it.
# Fields: Container.image
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"

mkdir -p "$work/tree/bin"
cp "$(type -P busybox)" "$work/tree/bin/busybox"
for applet in sh cat; do ln -s busybox "$work/tree/bin/$applet"; done
tar -C "$work/tree" --owner 0 --group 0 -cf "$work/tree.tar" .
"$make_image" "$work/layout" v1 '{"Env":["PATH=/bin"],"Cmd":["cat","/proc/self/comm"]}' "$work/tree.tar"
runs() { # runs NAME IMAGE
  expect_exit 0 pausa up -d "$(manifest "$1" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: $1}
spec:
  restartPolicy: Never
  containers: [{name: a, image: "$2"}]
YAML
)"
  expect_exit 0 pausa wait --for=exited "$1"
  same "$1 runs" cat "$(pausa logs --prefix=never "$1")"
  expect_exit 0 pausa down "$1"
}

# An index with another machine's image first: ours is taken.
case $(uname -m) in x86_64) ours=amd64 other=arm64 ;; *) ours=arm64 other=amd64 ;; esac
blobs=$work/layout/blobs/sha256
put() { # put FILE: into the blobs; prints its descriptor's digest and size
  local digest
  digest=$(sha256sum <"$1")
  cp "$1" "$blobs/${digest%% *}"
  jq -nc --arg d "sha256:${digest%% *}" --argjson s "$(stat -c %s "$1")" '{digest:$d,size:$s}'
}
entries=()
for machine in $other $ours; do
  manifest=$blobs/$(jq -r '.manifests[0].digest' "$work/layout/index.json" | cut -d: -f2)
  jq -c --arg m $machine '.architecture = $m' "$blobs/$(jq -r .config.digest "$manifest" | cut -d: -f2)" >"$work/config"
  jq -c --argjson c "$(put "$work/config")" '.config += $c' "$manifest" >"$work/manifest"
  entries+=("$(put "$work/manifest" | jq -c --arg m $machine '. + {mediaType:"application/vnd.oci.image.manifest.v1+json",platform:{os:"linux",architecture:$m}}')")
done
jq -nc --argjson a "${entries[0]}" --argjson b "${entries[1]}" \
  '{schemaVersion:2,mediaType:"application/vnd.oci.image.index.v1+json",manifests:[$a,$b]}' >"$work/many"
jq -nc --argjson d "$(put "$work/many")" '{schemaVersion:2,manifests:[$d + {mediaType:"application/vnd.oci.image.index.v1+json",
  annotations:{"org.opencontainers.image.ref.name":"many"}}]}' >"$work/index.json"
cp -r "$work/layout" "$work/several"
cp "$work/index.json" "$work/several/index.json"
runs machines "oci:$work/several:many"
same "this machine's" $ours "$(pausa image inspect "oci:$work/several:many" | jq -r .architecture)"

# zstd, and layers as they are.
skopeo copy -q --dest-compress-format zstd --dest-compress "oci:$work/layout:v1" "oci:$work/zstd:v1"
same "it is zstd" 1 "$(grep -c 'tar+zstd' "$work/zstd/blobs/sha256/$(jq -r '.manifests[0].digest' "$work/zstd/index.json" | cut -d: -f2)")"
runs zstd "oci:$work/zstd:v1"
skopeo copy -q "oci:$work/layout:v1" "dir:$work/parts"
skopeo copy -q --dest-decompress "oci:$work/layout:v1" "dir:$work/plain"
skopeo copy -q --dest-oci-accept-uncompressed-layers "dir:$work/plain" "oci:$work/plain-layout:v1"
runs plain "oci:$work/plain-layout:v1"

# podman's store.
stored="containers-storage:[vfs@$work/storage+$PAUSA_RUNROOT/storage]localhost/app:1"
if skopeo copy -q "oci:$work/layout:v1" "$stored" 2>"$work/words"; then
  runs stored "$stored"
else
  echo "not tested: containers-storage: ($(tail -n 1 "$work/words"))"
fi
rm -rf "$PAUSA_RUNROOT/storage"

# On a terminal bars are drawn and wiped, and one line is left.
head -c 30000000 /dev/urandom >"$work/tree/blob"
tar -C "$work/tree" -cf "$work/large.tar" .
"$make_image" "$work/large" v1 '{}' "$work/large.tar"
on_terminal "$PAUSA" image pull "oci:$work/large:v1"
same "pulled ($output)" 0 "$code"
match "a line at its end" "$output" "pausa: pulled oci:$work/large:v1 in [0-9.]+ s"
match "bars before" "$output" $'pulling [^\n]*large:v1  [^\n]*\n.*\e\\[A\e\\[2K'
