#!/usr/bin/env bash
# What goes wrong at the start is said in one sentence, and leaves nothing.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

pod() { # NAME CONTAINER-LINES…: a pod whose second member has these lines
  local name=$1 line
  shift
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\nspec:\n  restartPolicy: Never\n' "$name"
    printf '  volumes: [{name: data, emptyDir: {}}]\n'
    printf '  containers:\n  - {name: fine, image: busybox, command: ["sleep", "3600"]}\n'
    printf '  - name: web\n'
    for line; do echo "    $line"; done
  } | manifest "$name"
}

refused() { # CLAIM PATTERN POD FILE
  run pausa up -d "$4"
  up_errors=$errors
  differs "$1: up fails" 0 "$code"
  match "$1: the message names the pod" "$errors" "$3"
  match "$1: and the container" "$errors" 'web'
  match "$1: and the cause" "$errors" "$2"
  expect_exit 0 pausa down "$3"
  expect_exit 4 pausa inspect "$3"
  eventually "$1: nothing is left" nothing_remains
}

refused "a missing program" 'no-such-program.*No such file' missing \
  "$(pod missing 'image: busybox' 'command: ["no-such-program"]')"
refused "a program that is none" '/etc/passwd.*(Permission denied|Exec format)' none \
  "$(pod none 'image: busybox' 'command: ["/etc/passwd"]')"
refused "an image that is not there" 'registry\.example/shop' noimage \
  "$(pod noimage 'image: registry.example/shop:1')"
match "the reason is Kubernetes'" "$up_errors" 'ErrImagePull: image registry.example/shop:1'
refused "a folder that is not there" 'nothing-here' nofolder "$(pod nofolder 'image: "dir:./nothing-here"')"
refused "a working directory that is a file" '/etc/passwd' nodir \
  "$(pod nodir 'image: busybox' 'command: ["true"]' 'workingDir: /etc/passwd')"
refused "a mount path that is a file" '/etc/passwd' nomount \
  "$(pod nomount 'image: busybox' 'command: ["true"]' 'volumeMounts: [{name: data, mountPath: /etc/passwd/x}]')"

# A root folder of one's own.
mkdir -p "$work/rootfs/bin"
cp "$(command -v busybox)" "$work/rootfs/bin/busybox"
printf '#!/no/interpreter\n' >"$work/rootfs/bin/script"
chmod +x "$work/rootfs/bin/script"
refused "a missing interpreter" 'script' nointerpreter \
  "$(pod nointerpreter 'image: "dir:./rootfs"' 'command: ["/bin/script"]')"
up "$(pod folder 'image: "dir:./rootfs"' 'command: ["/bin/busybox", "sleep", "3600"]')"
expect_exit 0 pausa exec folder/web /bin/busybox touch /bin/mine
check "the folder itself is never written to" test ! -e "$work/rootfs/bin/mine"
expect_exit 0 pausa down folder
check "nor are mount points left in it" test "$(ls "$work/rootfs")" = bin

# A full disk below the state folder: said, unwound, and down still works.
mkdir "$work/small"
mount -t tmpfs -o size=256k pausa-test "$work/small" 2>/dev/null || skip "cannot mount a tmpfs here"
dd if=/dev/zero of="$work/small/fill" bs=1k 2>/dev/null || true
run env PAUSA_ROOT="$work/small/root" "$PAUSA" up -d "$(three full)"
differs "up on a full disk fails" 0 "$code"
match "and says so" "$errors" 'No space left'
run env PAUSA_ROOT="$work/small/root" "$PAUSA" down full
same "down works" 0 "$code"
run env PAUSA_ROOT="$work/small/root" "$PAUSA" reset --yes
umount "$work/small"
eventually "nothing is left" nothing_remains

# No room for state at all.
expect_exit '1 125' env PAUSA_ROOT=/proc/nowhere "$PAUSA" up -d "$work/full.yaml"
match "the path is named" "$errors" '/proc/nowhere'
