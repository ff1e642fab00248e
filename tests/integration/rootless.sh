#!/usr/bin/env bash
# As a user without privileges, with a single-id map and with subordinate ids where there are some.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

uid=65534
as_user() {
  setpriv --reuid $uid --regid $uid --clear-groups --inh-caps=-all --bounding-set=-all \
    env -i PATH="$PATH" HOME="$work/home" PAUSA_ROOT="$work/home/root" \
    PAUSA_RUNROOT="$run_folder" "$@"
}
chmod 755 "$work"
mkdir "$work/home"
run_folder=$(mktemp -d /run/pausa-user-XXXXXX)
chown $uid:$uid "$work/home" "$run_folder"
trap 'as_user "$PAUSA" reset --yes </dev/null >/dev/null 2>&1 || true; rm -rf --one-file-system "$run_folder"; finish' EXIT

setpriv --reuid $uid --regid $uid --clear-groups unshare --user --map-root-user true 2>/dev/null ||
  skip "a user without privileges may not make user namespaces here"
cp "$PAUSA" "$work/home/pausa" # the build folder may be out of that user's reach
mkdir -p "$work/home/libexec"
cp -r "$(dirname "$PAUSA")/../libexec/." "$work/home/libexec/"
mkdir -p "$work/home/bin"
mv "$work/home/pausa" "$work/home/bin/pausa"
chmod -R a+rX "$work/home"
PAUSA=$work/home/bin/pausa
cp "$source_root/manifests/01-hello.yaml" "$work/home/hello.yaml"
chmod a+r "$work/home/hello.yaml"
cd "$work/home"

expect_exit 0 as_user "$PAUSA" up -d hello.yaml
expect_exit 0 as_user "$PAUSA" wait --for=exited --timeout 30s hello
expect_exit 0 as_user "$PAUSA" logs hello/client
same "01-hello runs without privileges" "hello from the pod hello" "$output"
expect_exit 0 as_user "$PAUSA" down hello

up_file=$(three plain)
chmod a+r "$up_file"
expect_exit 0 as_user "$PAUSA" up -d "$up_file"
pid=$(as_user "$PAUSA" inspect plain | jq .pausa.containers.a.pid)
differs "in a user namespace" "$(ns self user)" "$(ns "$pid" user)"
same "root inside is that user outside" $uid "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")"
expect_exit 0 as_user "$PAUSA" exec plain/a id -u
same "and root inside" 0 "$output"
expect_exit 0 as_user "$PAUSA" ps
match "its pods are its own" "$output" 'plain'
expect_exit 0 pausa ps
check "and not root's" test -z "$(grep plain <<<"$output")"
expect_exit 0 as_user "$PAUSA" down --all

# A limit that nobody can keep is an error that names the way out.
limited=$(three limited)
sed -i 's/command: \["sleep", "3600"\]/&, resources: {limits: {memory: 64Mi}}/' "$limited"
chmod a+r "$limited"
run as_user "$PAUSA" up -d "$limited"
if ((code != 0)); then match "the error names the limit" "$errors" 'memory'; fi
expect_exit 0 as_user "$PAUSA" down --all
check "nothing is left" test -z "$(find "$run_folder" -mindepth 1 -type d)"
