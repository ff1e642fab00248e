#!/usr/bin/env bash
# Images as a user without privileges: the files of a layer belong to many ids.
source "$(dirname "${BASH_SOURCE[0]}")/../support/user.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
make_image="$(dirname "${BASH_SOURCE[0]}")/../support/make-image.sh"
subordinate_ids

mkdir -p "$work"/base/{bin,etc,old} "$work"/top/{old,own}
cp "$(type -P busybox)" "$work/base/bin/busybox"
for applet in sh cat ls id sleep stat; do ln -s busybox "$work/base/bin/$applet"; done
echo below >"$work/base/old/below"
touch "$work/top/old/.wh..wh..opq"
echo theirs >"$work/top/own/file"
chmod 640 "$work/top/own/file"
tar -C "$work/base" --owner 0 --group 0 -cf "$work/base.tar" .
tar -C "$work/top" --owner 77 --group 78 -cf "$work/top.tar" .
"$make_image" "$work/layout" v1 '{"User":"77:78","Env":["PATH=/bin"]}' "$work/base.tar" "$work/top.tar"
chmod -R a+rX "$work/layout"

expect_exit 0 mine image pull "oci:$work/layout:v1"
expect_exit 0 mine up -d "$(manifest app <<EOF
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  restartPolicy: Never
  containers:
    - {name: a, image: "oci:$work/layout:v1",
       command: [sh, -c, "id -u; cat /own/file; stat -c '%u %g' /own/file; ls -A /old; sleep 1000"]}
EOF
)"
says_all() { [[ $(mine logs --prefix=never app | wc -l) -ge 3 ]]; }
eventually "it has printed" says_all
same "owners are the layer's, and the opaque folder hides" $'77\ntheirs\n77 78' \
  "$(mine logs --prefix=never app)"
expect_exit 0 mine exec app -- id -u
same "so is who executes" 77 "$output"
# Brought again by its supervisor, which lives in the user's namespace.
rm -r "$home/.local/share/pausa/layers" "$home/.local/share/pausa/images"
expect_exit 0 mine restart app/a
expect_exit 0 mine exec app -- sh -c 'cat /own/file; ls -A /old'
same "what a layer has deleted stays so" theirs "$output"
expect_exit 0 mine down app
expect_exit 0 mine image rm "oci:$work/layout:v1"
same "nothing is left of it" "" "$(find "$home/.local/share/pausa/layers" -mindepth 1)"
expect_exit 0 mine reset --yes
