#!/usr/bin/env bash
# Limits: written where the kernel reads them, and their effect.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

up "$(
  manifest limits <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: limits
spec:
  restartPolicy: Never
  containers:
    - name: bounded
      image: busybox
      command: ["sleep", "3600"]
      resources:
        limits: {memory: 64Mi, cpu: 250m}
        requests: {cpu: 100m}
    - name: hungry
      image: busybox
      command: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]
      resources: {limits: {memory: 16Mi}}
    - name: free
      image: busybox
      command: ["sleep", "3600"]
YAML
)"
eventually "hungry is killed" status_is limits hungry .state.terminated.exitCode 137
same "for its memory" OOMKilled "$(status_of limits hungry .state.terminated.reason)"
for member in bounded free; do
  check "$member does not notice" alive "$(member_pid limits $member)"
done

# Where the member really is, and what is written there: by controller on v1, at once on v2.
group() { # PID CONTROLLER
  local line
  line=$(awk -F: -v c="$2" '$2 == c || $2 ~ "(^|,)" c "(,|$)" { print $3 }' "/proc/$1/cgroup")
  if [[ -n $line ]]; then
    echo "/sys/fs/cgroup/$2$line"
  else
    echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$1/cgroup")"
  fi
}
value() { # FOLDER FILE-ON-V1 FILE-ON-V2
  if [[ -e $1/$2 ]]; then cat "$1/$2"; else cat "$1/$3"; fi
}
pid=$(member_pid limits bounded)
same "memory" $((64 << 20)) \
  "$(value "$(group "$pid" memory)" memory.limit_in_bytes memory.max)"
folder=$(group "$pid" cpu)
if [[ -e $folder/cpu.cfs_quota_us ]]; then
  same "a quarter of a CPU" 4 $(($(<"$folder/cpu.cfs_period_us") / $(<"$folder/cpu.cfs_quota_us")))
  same "shares as the kubelet reckons them" 102 "$(<"$folder/cpu.shares")"
else
  read -r quota period <"$folder/cpu.max"
  same "a quarter of a CPU" 4 $((period / quota))
fi
pids=$(value "$(group "$pid" pids)" pids.max pids.max)
match "processes are bounded even when nobody asked" "$pids" '^[0-9]+$'

# A fork bomb stays within its container, and the pod can be stopped.
up "$(
  manifest bomb <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: bomb
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: bomb
      image: busybox
      command: ["sh", "-c", "sh -c 'while :; do sleep 1000 & done 2>/dev/null'; exec sleep 1000"]
      resources: {limits: {memory: 256Mi}}
    - {name: neighbour, image: busybox, command: ["sleep", "3600"]}
YAML
)"
bomb=$(group "$(member_pid bomb bomb)" pids)
full() {
  local current
  current=$(<"$bomb/pids.current")
  echo "$current processes"
  ((current > 500))
}
eventually "the bomb grows" full
expect_exit 0 pausa exec bomb/neighbour true
expect_exit 0 pausa down bomb
check "its group is gone" test ! -e "$bomb"

# Out of memory again and again: never the supervisor, never the neighbour.
up --restart-backoff 10ms "$(
  manifest again <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: again
spec:
  restartPolicy: OnFailure
  containers:
    - name: hungry
      image: busybox
      command: ["dd", "if=/dev/zero", "of=/dev/null", "bs=64M", "count=1"]
      resources: {limits: {memory: 8Mi}}
    - {name: neighbour, image: busybox, command: ["sleep", "3600"]}
YAML
)"
helpers="$(field again .pausa.supervisor.pid) $(infra_pid again) $(member_pid again neighbour)"
often() { (($(status_of again hungry .restartCount) >= 8)); }
PATIENCE=60 eventually "hungry is killed eight times" often
same "each time as OOMKilled" OOMKilled "$(status_of again hungry .lastState.terminated.reason)"
same "supervisor, infra and neighbour are the same" "$helpers" \
  "$(field again .pausa.supervisor.pid) $(infra_pid again) $(member_pid again neighbour)"

expect_exit 0 pausa down --all
eventually "nothing is left" nothing_remains
