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
