#!/usr/bin/env bash
# emptyDir and hostPath, readOnly and subPath.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

mkdir "$work/site"
echo "from the host" >"$work/site/page"
file=$(
  manifest volumes <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: volumes
spec:
  volumes:
    - {name: disk, emptyDir: {}}
    - {name: memory, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: site, hostPath: {path: ./site, type: Directory}}
    - {name: made, hostPath: {path: ./made, type: DirectoryOrCreate}}
  containers:
    - name: a
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts:
        - {name: disk, mountPath: /disk}
        - {name: memory, mountPath: /memory}
        - {name: site, mountPath: /site}
        - {name: made, mountPath: /made}
    - name: b
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts:
        - {name: disk, mountPath: /elsewhere, subPath: part}
        - {name: memory, mountPath: /memory, readOnly: true}
        - {name: site, mountPath: /site, readOnly: true}
YAML
)
up "$file"
in_a() { pausa exec volumes/a "$@" </dev/null; }
in_b() { pausa exec volumes/b "$@" </dev/null; }

in_a sh -c 'echo shared > /disk/part/file'
same "a sub-folder of a volume is the other member's mount" shared "$(in_b cat /elsewhere/file)"
in_a sh -c 'echo quick > /memory/file'
same "a volume in memory is shared" quick "$(in_b cat /memory/file)"
same "and is a tmpfs" tmpfs "$(in_a awk '$2 == "/memory" { print $3 }' /proc/mounts)"
expect_exit 1 pausa exec volumes/a dd if=/dev/zero of=/memory/big bs=64k count=64
match "with the size that was asked for" "$errors" 'No space left'
expect_exit 1 pausa exec volumes/b touch /memory/mine
match "readOnly is read-only" "$errors" 'Read-only'
expect_exit 1 pausa exec volumes/b sh -c 'echo x > /site/page'
match "for hostPath too" "$errors" 'Read-only'

same "a relative hostPath starts at the manifest's folder" "from the host" "$(in_b cat /site/page)"
in_a sh -c 'echo from inside > /site/answer'
same "and is the host's" "from inside" "$(<"$work/site/answer")"
check "DirectoryOrCreate creates" test -d "$work/made"

for member in a b; do
  options=$(pausa exec volumes/$member cat /proc/mounts </dev/null |
    awk '$2 ~ /^.(disk|memory|site|elsewhere)/ && $4 !~ /nodev/ { print $2, $4 }')
  same "volumes are mounted nodev" '' "$options"
done

# A restarted member finds them as they were.
kill -KILL "$(member_pid volumes a)"
eventually "a is back" status_is volumes a .restartCount 1
eventually "a runs" status_is volumes a '.state.running != null' true
same "an emptyDir outlives a member" shared "$(in_a cat /disk/part/file)"

# With the pod they end; the host's files stay.
expect_exit 0 pausa down volumes
same "hostPath is left alone" "from the host" "$(<"$work/site/page")"
swept() { [[ -z $(find "$PAUSA_ROOT" -name file -print) ]]; }
eventually "no volume is left on disk" swept
up "$file"
expect_exit 1 pausa exec volumes/a cat /disk/part/file
match "a new pod has a new emptyDir" "$errors" 'No such file'
expect_exit 0 pausa down volumes

# hostPath types are checked before anything starts.
expect_exit '1 3' pausa up -d "$(
  manifest absent <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: absent
spec:
  volumes:
    - {name: data, hostPath: {path: ./nothing-here, type: Directory}}
  containers:
    - name: web
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts: [{name: data, mountPath: /data}]
YAML
)"
match "the error names the volume" "$errors" 'data'
match "and the path" "$errors" 'nothing-here'
expect_exit 4 pausa inspect absent
eventually "nothing is left" nothing_remains
