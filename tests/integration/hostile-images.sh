#!/usr/bin/env bash
# Images whose documents mean harm (tests/support/hostile_images.py): each is refused with a reason
# or does nothing, none is half there, and those whose folders are traps run without touching the host.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
for tool in python3 skopeo; do type -P $tool >/dev/null || skip "$tool is not installed"; done
export PYTHONDONTWRITEBYTECODE=1
images=$work/images
python3 "$(dirname "${BASH_SOURCE[0]}")/../support/hostile_images.py" "$images" "$(type -P busybox)" >"$work/list"
before=$(stat -c '%Y %s %h' /etc/shadow /etc/passwd)
while IFS=$'\t' read -r name expected words; do
  run timeout 120 "$PAUSA" image pull -q "oci:$images/$name:v1"
  same "$name ($errors)" "$expected" "$code"
  ((expected == 0)) || match "$name" "$errors" "$words"
  ((expected == 0)) || same "$name: one line" 1 "$(wc -l <<<"$errors")"
done <"$work/list"
same "what was refused is no image" "$(awk '$2 == 0' "$work/list" | wc -l)" "$(pausa image ls -o name | wc -l)"

# L22: our mounts are attached inside the container's root, or not at all.
for kind in links outwards files; do
  run timeout 60 "$PAUSA" up -d "$(manifest "trap-$kind" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: trap-$kind}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{name: a, image: "oci:$images/L22-$kind:v1", command: [/bin/sh, -c, "exit 7"]}]
YAML
)"
  same "$kind: exit code" 1 "$code"
  match "$kind: what is in the way" "$errors" 'pod trap-.*: container a: attach /dev: '
  [[ ! -e /victim ]] || fail "$kind: nothing is made outside"
done
same "the host's files are as they were" "$before" "$(stat -c '%Y %s %h' /etc/shadow /etc/passwd)"

# An archive of docker save whose list names a layer outside of it, which is here: it stays.
mkdir -p "$work/outside/etc"
victim=$work/outside/victim
tar -C "$work/outside" -cf "$victim" etc
diff_id=$(sha256sum <"$victim")
archive=$work/archive
mkdir -p "$archive$(dirname "$victim")"
cp "$victim" "$archive$victim"
jq -nc --arg d "sha256:${diff_id%% *}" \
  '{architecture:"amd64",os:"linux",config:{},rootfs:{type:"layers",diff_ids:[$d]}}' >"$archive/config.json"
up=$(printf '../%.0s' {1..12})
for layer in "$up${victim#/}" "$victim"; do
  jq -nc --arg l "$layer" '[{Config:"config.json",RepoTags:["localhost/evil:1"],Layers:[$l]}]' >"$archive/manifest.json"
  tar -C "$archive" -cf "$work/evil.tar" manifest.json config.json "${victim#/}"
  run timeout 60 "$PAUSA" image load -q "$work/evil.tar"
  [[ -f $victim ]] || fail "a file of this machine was taken into the store"
  same "and it is whole" "${diff_id%% *}" "$(sha256sum <"$victim" | cut -d' ' -f1)"
done
