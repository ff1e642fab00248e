#!/usr/bin/env bash
# hostUsers: false as root, and the pod's own clocks, looked up from outside.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
unshare --user true 2>/dev/null || skip "this machine allows no user namespaces"

mapped() {
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: %s\n' "$1"
    if [[ $1 == later ]]; then
      printf '  annotations: {pausa/monotonic-offset: 100h, pausa/boottime-offset: 200h}\n'
    fi
    cat <<'YAML'
spec:
  hostUsers: false
  securityContext: {fsGroup: 777}
  volumes:
    - {name: disk, emptyDir: {}}
    - {name: memory, emptyDir: {medium: Memory}}
    - {name: host, hostPath: {path: ./site}}
  containers:
    - name: a
      image: busybox
      command: ["sleep", "3600"]
      volumeMounts: &mounts
        - {name: disk, mountPath: /disk}
        - {name: memory, mountPath: /memory}
        - {name: host, mountPath: /host}
    - name: user
      image: busybox
      command: ["sh", "-c", "echo out >/dev/stdout; exec sleep 3600"]
      securityContext: {runAsUser: 1000, runAsGroup: 1000}
      volumeMounts: *mounts
YAML
  } | manifest "$1"
}
map_of() { awk '{ print $1, $2, $3 }' "/proc/$1/uid_map"; }
in_a() { pausa exec "$1/a" "${@:2}" </dev/null; }

mkdir -p "$work/site"
echo page >"$work/site/page"
chown 5:6 "$work/site/page"

up "$(mapped one)"
up "$(mapped two)"
pid=$(member_pid one a)
infra=$(infra_pid one)
differs "hostUsers: false makes a user namespace" "$(ns self user)" "$(ns "$pid" user)"
same "which is infra's" "$(ns "$infra" user)" "$(ns "$pid" user)"
same "the supervisor stays outside" "$(ns self user)" "$(ns "$(field one .pausa.supervisor.pid)" user)"

# A block of ids that nobody else has.
read -r inside base count <<<"$(map_of "$pid")"
read -r _ other _ <<<"$(map_of "$(member_pid two a)")"
same "65536 ids from 0 on" "0 65536" "$inside $count"
check "far from the host's" test "$base" -ge $((1 << 20))
check "and from the other pod's" test $((base > other ? base - other : other - base)) -ge 65536
same "root inside is the first of them" "$base" "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")"
same "user 1000 inside is the 1001st" $((base + 1000)) \
  "$(awk '$1 == "Uid:" { print $2 }' "/proc/$(member_pid one user)/status")"

# Files: the same owners inside and on disk.
same "the image belongs to root inside" "0 0" "$(in_a one stat -c '%u %g' /bin)"
same "what is copied up, too" 0 "$(in_a one sh -c 'mkdir /etc/mine && chown 9 /etc/mine && chown 0 /etc/mine && stat -c %u /etc/mine')"
same "and host paths keep their owners" "5 6" "$(in_a one stat -c '%u %g' /host/page)"
in_a one sh -c 'touch /disk/root /memory/root /host/new; echo x >/dev/null'
expect_exit 0 pausa exec one/user touch /disk/user /memory/user
disk=$PAUSA_ROOT/pods/default_one/volumes/disk
same "root's file on a volume is root's on disk" "0 777" "$(stat -c '%u %g' "$disk/root")"
same "user 1000's is 1000's" 1000 "$(stat -c %u "$disk/user")"
same "and on a host path root's" 0 "$(stat -c %u "$work/site/new")"
expect_exit 1 pausa exec one/user sh -c 'echo >/host/page'
reopened() { pausa logs one/user | grep -q out; }
eventually "a log can be reopened by its user" reopened
expect_exit 0 pausa exec one/a sh -c 'echo $(id -u) $(cat /proc/self/uid_map)'
same "exec is in there, too" "0 0 $base 65536" "$output"

# The block stays with the pod that runs, and volumes keep their owners over a stop.
expect_exit 0 pausa restart one/a
same "after a restart" "0 $base 65536" "$(map_of "$(member_pid one a)")"
expect_exit 0 pausa stop one
expect_exit 0 pausa start one
trace one
same "after a stop" "0 777" "$(in_a one stat -c '%u %g' /disk/root)"
read -r _ base _ <<<"$(map_of "$(member_pid one a)")"
check "the pods' ids are apart still" test "$base" != "$other"

# Files that are made for the pod, claims and subPaths: fsGroup's inside, and for the pod's users.
up "$(
  manifest files <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {greeting: hello}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {door: sesame}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: kept}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
---
apiVersion: v1
kind: Pod
metadata:
  name: files
spec:
  hostUsers: false
  securityContext: {fsGroup: 777}
  volumes:
    - {name: words, configMap: {name: words, defaultMode: 0400}}
    - {name: keys, secret: {secretName: keys, defaultMode: 0400}}
    - {name: kept, persistentVolumeClaim: {claimName: kept}}
  containers:
    - name: a
      image: busybox
      command: ["sleep", "3600"]
      securityContext: {runAsUser: 1000}
      volumeMounts:
        - {name: words, mountPath: /words}
        - {name: keys, mountPath: /keys}
        - {name: kept, mountPath: /kept}
        - {name: kept, mountPath: /below, subPath: a/b}
YAML
)"
trace files
same "files of a configMap are fsGroup's" "440 0 777 hello" \
  "$(in_a files sh -c 'echo $(stat -Lc "%a %u %g" /words/greeting) $(cat /words/greeting)')"
same "and of a secret" "440 0 777 sesame" \
  "$(in_a files sh -c 'echo $(stat -Lc "%a %u %g" /keys/door) $(cat /keys/door)')"
in_a files touch /kept/mine
same "a claim's owners on disk are those inside" "1000 777" \
  "$(stat -c '%u %g' "$PAUSA_ROOT"/volumes/default_kept/mine)"
same "a folder of a subPath is root's inside" 0 "$(in_a files stat -c %u /below)"
read -r _ its _ <<<"$(map_of "$(member_pid files a)")"
same "a container for debugging is in there, too" "0 0 $its 65536" \
  "$(pausa debug --attach files -- sh -c 'echo $(id -u) $(cat /proc/self/uid_map)')"

# Private PID namespaces go with it.
sed 's/^spec:/&\n  shareProcessNamespace: false/; s/name: one/name: private/' "$(mapped one)" >"$work/private.yaml"
up "$work/private.yaml"
runs_sleep() { [[ $(in_a private cat /proc/1/comm) == sleep ]]; }
eventually "process 1 is the member's own" runs_sleep
expect_exit 1 pausa up -d "$(mapped one | xargs sed 's/name: one/name: far/; s/runAsUser: 1000/runAsUser: 65536/' >"$work/far.yaml" && echo "$work/far.yaml")"
match "ids end at 65535" "$errors" 'runAsUser 65536 is not mapped'

# The pod's own clocks.
if [[ -e /proc/self/ns/time ]]; then
  up "$(mapped later)"
  pid=$(member_pid later a)
  differs "offsets make a time namespace" "$(ns self time)" "$(ns "$pid" time)"
  same "which is infra's" "$(ns "$(infra_pid later)" time)" "$(ns "$pid" time)"
  same "with the offsets of the annotations" "monotonic 360000 0 boottime 720000 0" \
    "$(xargs <"/proc/$pid/timens_offsets")"
  up_here=$(cut -d. -f1 /proc/uptime)
  up_there=$(in_a later cut -d. -f1 /proc/uptime)
  between "the clock from boot is 200 hours ahead" 719990 $((up_there - up_here)) 720060
  # How long a member has run is a difference of times of the host, whatever it sees.
  between "it was started just now" $(($(date +%s) - 60)) \
    "$(date -d "$(status_of later a .state.running.startedAt)" +%s)" $(($(date +%s) + 60))
else
  echo "skipped: time offsets: this kernel has no time namespaces"
fi

expect_exit 0 pausa down --all
eventually "nothing is left" nothing_remains
