#!/usr/bin/env bash
# An image of a program of the distribution, with layers upon it that use all that a layer can say:
# it runs as a pod, and its files are the same as podman makes them (where podman is installed).
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
for tool in skopeo docker-registry setcap python3; do
  PATH=$PATH:/usr/sbin type -P $tool >/dev/null || skip "$tool is not installed"
done
PATH=$PATH:/usr/sbin

# The program's package and the libraries that it needs, as they are on this machine.
mapfile -t files < <({
  dpkg-query -L docker-registry
  ldd "$(type -P docker-registry)" 2>/dev/null | grep -o '/[^ ]*' || true
} | while read -r path; do [[ -f $path ]] && realpath "$path"; done | sort -u)
tar -cPf "$work/base.tar" --transform 's,^/,,' "${files[@]}" "$(type -P busybox)"

mkdir -p "$work"/kinds/{bin,lib64,etc/app,data/{old,gone},tmp,very/deep/folder}
if [[ -e /lib64/ld-linux-x86-64.so.2 ]]; then
  ln -s "$(realpath /lib64/ld-linux-x86-64.so.2)" "$work/kinds/lib64/ld-linux-x86-64.so.2"
fi
ln -s /usr/bin/busybox "$work/kinds/bin/sh"
chmod 1777 "$work/kinds/tmp"
cat >"$work/kinds/etc/app/config.yaml" <<EOF
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: /tmp/registry}}
http: {addr: "127.0.0.1:5000"}
EOF
cd "$work/kinds/data"
echo one >file
ln file hard
ln -s file soft
ln -s /nowhere dangling
mkfifo pipe
cp "$(type -P busybox)" able
setcap cap_net_bind_service+ep able
echo s >setuid && chmod 6755 setuid
echo secret >shut && chmod 000 shut
chown 1000:2000 file
truncate -s 1M sparse && printf x >>sparse
echo below >old/below
echo below >gone/below
echo 'odd name' >$'new\nline'
python3 -c 'import os; os.setxattr("file", "user.note", b"kept")'
cd - >/dev/null
tar -C "$work/kinds" --xattrs --xattrs-include='*' --sparse -cf "$work/kinds.tar" .
mkdir -p "$work/top/data/old"
touch "$work/top/data/.wh.gone" "$work/top/data/old/.wh..wh..opq" "$work/top/data/.wh.dangling"
echo above >"$work/top/data/old/above"
echo replaced >"$work/top/data/soft"
chmod 751 "$work/top/data"
chmod 755 "$work/top/data/old"
tar -C "$work/top" -cf "$work/top.tar" .
"$make_image" "$work/layout" v1 \
  '{"User":"1000:2000","Entrypoint":["/usr/bin/docker-registry"],"Cmd":["serve","/etc/app/config.yaml"],"ExposedPorts":{"5000/tcp":{}}}' \
  "$work/base.tar" "$work/kinds.tar" "$work/top.tar"

expect_exit 0 pausa up -d "$(manifest app <<EOF
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  terminationGracePeriodSeconds: 0
  containers:
    - {name: server, image: "oci:$work/layout:v1"}
    - {name: client, image: busybox, command: [sleep, "1000"]}
EOF
)"
answers() { pausa exec app/client -- wget -qO- http://127.0.0.1:5000/v2/; }
eventually "the program serves" answers
expect_exit 0 pausa exec app/server -- /bin/sh -c 'busybox id -u; busybox cat /data/soft; busybox ls -A /data/old'
same "by the image's user, with the upper layer's files" $'1000\nreplaced\nabove' "$output"
expect_exit 0 pausa down app

need_podman
expect_exit 0 pausa image inspect "oci:$work/layout:v1"
mapfile -t layers < <(jq -r '.layers[].path' <<<"$output")
stack=$(printf '%s\n' "${layers[@]}" | tac | paste -sd:)
cat >"$work/look" <<EOF
mount -t overlay -o "lowerdir=$stack" overlay "$work/mounted"
python3 "$source_root/tests/support/tree.py" "$work/mounted"
EOF
mkdir "$work/mounted"
unshare --mount --propagation private bash -e "$work/look" >"$work/ours"
between "there is something to compare" 20 "$(wc -l <"$work/ours")" 100000
skopeo copy -q "oci:$work/layout:v1" "docker-archive:$work/app.tar:localhost/app:1"
they_load "$work/app.tar"
id=$(their_podman images -q | head -n 1)
tree_of "$(their_podman image mount "$id")" >"$work/theirs"
their_podman image umount "$id" >/dev/null
same "the same files, owners, modes, times, attributes and capabilities" "" "$(diff "$work/ours" "$work/theirs" | head -n 20)"
