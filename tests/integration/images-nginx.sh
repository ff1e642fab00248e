#!/usr/bin/env bash
# The distribution's nginx as an image: it serves over localhost, and its files are the same as podman makes them.
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
type -P skopeo >/dev/null || skip "skopeo is not installed, which brings images in"
run "$source_root/tests/support/nginx-image.sh" nginx:1
((code != 77)) || skip "$errors"
same "it is made ($errors)" 0 "$code"
match "of one layer, for this machine alone" "$output" '^localhost/nginx:1@sha256:'

expect_exit 0 pausa up -d --wait "$(manifest web <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 2
  containers:
    - name: server
      image: localhost/nginx:1
      readinessProbe: {httpGet: {path: /, port: 80}, periodSeconds: 1}
    - {name: client, image: busybox, command: [sleep, "1000"]}
YAML
)"
trace web
expect_exit 0 pausa exec web/client -- wget -qO- http://127.0.0.1/
match "its page, over the pod's localhost" "$output" 'Welcome to nginx'
expect_exit 0 pausa exec web/client -- wget -qO- -S http://127.0.0.1/index.html
match "by nginx" "$errors" 'Server: nginx/1\.'
expect_exit 1 pausa exec web/client -- wget -qO- http://127.0.0.1/none
match "what is not there" "$errors" '404 Not Found'
expect_exit 0 pausa exec web/server -- sh -c 'for p in /proc/[0-9]*; do busybox grep -l "^Name:.nginx" $p/status; done 2>/dev/null | busybox xargs busybox grep -h ^Uid | busybox sort -u'
match "its workers are nobody's root" "$output" $'Uid:\t0\t.*Uid:\t33\t33\t33\t33'
expect_exit 0 pausa down web

need_podman
expect_exit 0 pausa image save -q --format docker-archive -o "$work/nginx.tar" nginx:1
they_load "$work/nginx.tar"
expect_exit 0 pausa image mount nginx:1
tree_of "$output" >"$work/ours"
between "there is something to compare" 30 "$(wc -l <"$work/ours")" 100000
expect_exit 0 pausa image umount --all
tree_of "$(their_podman image mount localhost/nginx:1)" >"$work/theirs"
same "the same files, owners, modes, times and attributes" "" "$(diff "$work/ours" "$work/theirs" | head -n 20)"
