#!/usr/bin/env bash
# Registries that stall, lie and refuse; one with TLS and a password; disks that are full; pulls that
# are killed: each a clear reason, nothing half there, and the next attempt works.
source "$(dirname "${BASH_SOURCE[0]}")/../support/image-lib.sh"
for tool in python3 skopeo openssl; do type -P $tool >/dev/null || skip "$tool is not installed"; done
support=$(dirname "${BASH_SOURCE[0]}")/../support
export PYTHONDONTWRITEBYTECODE=1

busybox_tree "$work/base" sh
layer_of "$work/base"
"$make_image" "$work/layout" v1 '{"Cmd":["/bin/sh","-c","echo it runs"]}' "$work/base.tar"

python3 "$support/fake_registry.py" "$work/layout" "$work/port" &
at_end "kill $! 2>/dev/null"
mounted=
at_end '[[ -z $mounted ]] || umount -l "$mounted"'
listens() { [[ -s $work/port ]]; }
eventually "the registry listens" listens
host=127.0.0.1:$(<"$work/port")
get() { run timeout 200 "$PAUSA" image pull -q --tls-verify=false "$host/$1:v1"; }
nothing_half_there() {
  same "$1: no image" "" "$(pausa image ls -o name)"
  same "$1: no layer" 0 "$(find "$PAUSA_ROOT/layers" -mindepth 1 | wc -l)"
}

while read -r what words; do
  if [[ $what == stall ]]; then export PAUSA_PULL_IDLE=4; fi # the others only take their time
  get "$what"
  unset PAUSA_PULL_IDLE
  same "$what ($errors)" 1 "$code"
  match "$what" "$errors" "image $host/$what:v1: .*($words)"
  nothing_half_there "$what"
done <<EOF
stall nothing has come for 4 s
truncate unexpected EOF|cut off
size [Dd]igest
digest [Dd]igest
loop redirect
401 [Uu]nauthorized|authentication required
403 [Dd]enied|forbidden
404 manifest unknown|manifest_unknown
429 [Tt]oo ?[Mm]any ?[Rr]equests
500 500|unknown
EOF

# What goes wrong once works when tried again; a redirection is followed.
for what in truncate digest 500; do
  get "once-$what"
  ((code == 0)) || get "once-$what"
  same "$what once, then it works ($errors)" 0 "$code"
  expect_exit 0 pausa image rm "$host/once-$what:v1"
  expect_exit 0 pausa image prune
done
get redirect
same "a redirection is followed ($errors)" 0 "$code"
expect_exit 0 pausa image rm "$host/redirect:v1"
expect_exit 0 pausa image prune

# The reason stands where a pod wants the image.
expect_exit 1 pausa up -d "$(manifest refused <<EOF
apiVersion: v1
kind: Pod
metadata: {name: refused}
spec: {containers: [{name: a, image: "$host/403:v1"}]}
EOF
)"
match "up tells it" "$errors" 'container a: ErrImagePull: image '
expect_exit 4 pausa inspect refused

# One that is killed in the middle leaves another one of the same layer alone.
"$PAUSA" image pull -q --tls-verify=false "$host/stall:v1" </dev/null >/dev/null 2>&1 &
stalled=$!
"$PAUSA" image pull -q --tls-verify=false "$host/fine:v1" </dev/null >/dev/null 2>"$work/fine" &
fine=$!
wait $fine || fail "a pull beside one that stalls" "$(cat "$work/fine")"
kill -KILL $stalled
wait $stalled 2>/dev/null || true
expect_exit 0 pausa image ls -o name
same "the one is there, the other not" "$host/fine:v1" "$output"
expect_exit 0 pausa image rm "$host/fine:v1"
expect_exit 0 pausa image prune
nothing_half_there "after a killed pull"

# A full disk, as small as can be; with room for it, it works.
mounted=$work/small
mkdir "$mounted"
mount -t tmpfs -o size=400k,mode=700 small "$mounted"
on_small() { PAUSA_ROOT=$mounted/root timeout 60 "$PAUSA" "$@"; }
expect_exit 1 on_small image pull -q "oci:$work/layout:v1"
match "the disk is full" "$errors" '[Nn]o space left'
expect_exit 0 on_small image ls -o name
same "no image on the full disk" "" "$output"
# Room for the blob, not for what is in it.
blob=$(du -sk "$work/layout" | cut -f 1)
mount -o "remount,size=$((blob + 600))k" "$mounted"
expect_exit 1 on_small image pull -q "oci:$work/layout:v1"
match "the disk is full while unpacking" "$errors" '[Nn]o space left'
same "no layer on the full disk" 0 "$(find "$mounted/root/layers" -mindepth 1 -name 'sha256*' | wc -l)"
mount -o remount,size=64m "$mounted"
expect_exit 0 on_small image pull -q "oci:$work/layout:v1"
umount "$mounted"
mounted=

# TLS by an authority of our own, and a password.
if ! type -P docker-registry >/dev/null; then
  echo "not tested: TLS and passwords (docker-registry is not installed)"
  exit 0
fi
hash=$(python3 -W ignore -c 'import crypt; print(crypt.crypt("secret", crypt.mksalt(crypt.METHOD_BLOWFISH)))')
echo "me:$hash" >"$work/users"
make_key() { openssl req -newkey rsa:2048 -nodes "$@" 2>/dev/null; }
make_key -x509 -days 2 -subj /CN=authority -keyout "$work/ca.key" -out "$work/ca.crt"
make_key -subj /CN=registry -keyout "$work/tls.key" -out "$work/tls.csr"
openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial -days 2 \
  -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$work/tls.crt" 2>/dev/null
start_registry ", tls: {certificate: $work/tls.crt, key: $work/tls.key}" "auth: {htpasswd: {realm: here, path: $work/users}}"
host=127.0.0.1:$port
SSL_CERT_FILE=$work/ca.crt skopeo copy -q --dest-creds me:secret "oci:$work/layout:v1" "docker://$host/team/app:1"
expect_exit 1 pausa image pull -q "$host/team/app:1"
match "an authority that nobody knows" "$errors" 'x509|certificate'
export SSL_CERT_FILE=$work/ca.crt
expect_exit 1 pausa image pull -q "$host/team/app:1"
match "no password" "$errors" 'authentication required|unauthorized'
login() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$host" "$(printf %s "$1" | base64)" >"$work/auth.json"; }
export REGISTRY_AUTH_FILE=$work/auth.json
login me:wrong
expect_exit 1 pausa image pull -q "$host/team/app:1"
match "the wrong password" "$errors" 'authentication required|unauthorized|invalid username'
login me:secret
expect_exit 0 pausa up -d "$(manifest app <<EOF
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  restartPolicy: Never
  containers: [{name: a, image: "$host/team/app:1"}]
EOF
)"
expect_exit 0 pausa wait --for=exited app
same "it ran" "it runs" "$(pausa logs --prefix=never app)"
expect_exit 0 pausa down app
