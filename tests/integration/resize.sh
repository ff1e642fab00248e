#!/usr/bin/env bash
# Other resources in a pod that runs: in place, by a restart, or refused.
# Fields: Container.resizePolicy ContainerResizePolicy.resourceName
# Fields: ContainerResizePolicy.restartPolicy
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

# group PID CONTROLLER, value DIR V1-FILE V2-FILE: as the kernel tells.
group() {
  local line
  line=$(grep -E "^[0-9]+:([^:]*,)?$2(,[^:]*)?:" "/proc/$1/cgroup" | cut -d: -f3)
  if [[ -n $line ]]; then
    echo "/sys/fs/cgroup/$2$line"
  else
    echo "/sys/fs/cgroup$(grep ^0:: "/proc/$1/cgroup" | cut -d: -f3)"
  fi
}
value() { if [[ -e $1/$2 ]]; then cat "$1/$2"; else cat "$1/$3"; fi; }
memory_of() { value "$(group "$1" memory)" memory.limit_in_bytes memory.max; }
quota_of() { value "$(group "$1" cpu)" cpu.cfs_quota_us cpu.max | cut -d' ' -f1; }
above() { value "$(dirname "$(group "$1" memory)")" memory.limit_in_bytes memory.max; }

# shop MEMORY CPU [MEMORY-OF-PICKY]
shop() {
  manifest shop <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: shop
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: busybox
      command: ["sh", "-c", "dd if=/dev/zero of=/dev/shm/held bs=1M count=16 2>/dev/null; exec sleep 1000"]
      resources: {limits: {memory: $1, cpu: $2}}
    - name: picky
      image: busybox
      command: ["sleep", "1000"]
      resources: {limits: {memory: ${3:-64Mi}, cpu: 250m}}
      resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]
YAML
}

up "$(shop 64Mi 500m)"
infra=$(infra_pid shop) web=$(member_pid shop web) picky=$(member_pid shop picky)
[[ -e $(group "$web" memory)/memory.max || -e $(group "$web" memory)/memory.limit_in_bytes ]] ||
  skip "no memory controller"
same "before" "$((64 << 20)) 50000 $((128 << 20))" \
  "$(memory_of "$web") $(quota_of "$web") $(above "$web")"

expect_exit 1 pausa diff "$(shop 128Mi 750m)"
same "diff tells" "shop: resize web" "$output"
expect_exit 0 pausa up -d "$(shop 128Mi 750m)"
same "nobody was started again" "$infra $web $picky" \
  "$(infra_pid shop) $(member_pid shop web) $(member_pid shop picky)"
same "the container has more, and the pod" "$((128 << 20)) 75000 $((192 << 20))" \
  "$(memory_of "$web") $(quota_of "$web") $(above "$web")"
same "status" "750m 128Mi" "$(field shop \
  '.status.containerStatuses[] | select(.name == "web").resources.limits | .cpu + " " + .memory')"
same "and what it asks for" 128Mi "$(field shop \
  '.status.containerStatuses[] | select(.name == "web").allocatedResources.memory')"
expect_exit 0 pausa up -d "$(shop 96Mi 250m)"
same "less" "$((96 << 20)) 25000 $((160 << 20)) $web" \
  "$(memory_of "$web") $(quota_of "$web") $(above "$web") $(member_pid shop web)"

held() { (($(value "$(group "$web" memory)" memory.usage_in_bytes memory.current) > 16 << 20)); }
eventually "it uses 16 MiB" held
expect_exit 1 pausa up -d "$(shop 8Mi 250m)"
match "less than it uses is refused" "$errors" 'container web uses [0-9]+ bytes'
same "and all is as it was" "$((96 << 20)) $web" "$(memory_of "$web") $(member_pid shop web)"

expect_exit 0 pausa up -d "$(shop 96Mi 250m 32Mi)"
differs "RestartContainer starts it again" "$picky" "$(member_pid shop picky)"
same "with the new limit, its neighbour untouched" "$((32 << 20)) $web" \
  "$(memory_of "$(member_pid shop picky)") $(member_pid shop web)"

before=$(field shop .pausa.supervisor.pid)
kill -9 "$before"
another_supervisor() {
  local now
  now=$(field shop .pausa.supervisor.pid)
  [[ $now != "$before" ]] && alive "$now"
}
eventually "the next supervisor" another_supervisor
expect_exit 0 pausa diff "$(shop 96Mi 250m 32Mi)"
same "it knows what is" "shop: keep" "$output"
expect_exit 0 pausa down shop

# A sidecar, too.
file=$(manifest aside <<'YAML'
apiVersion: v1
kind: Pod
metadata: {name: aside}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
    - name: side
      image: busybox
      command: ["sleep", "1000"]
      restartPolicy: Always
      resources: {limits: {memory: 32Mi}}
  containers: [{name: web, image: busybox, command: ["sleep", "1000"], resources: {limits: {memory: 32Mi}}}]
YAML
)
up "$file"
side=$(member_pid aside side)
sed -i '0,/32Mi/s//48Mi/' "$file"
expect_exit 0 pausa up -d "$file"
same "it lives on with more" "$side $((48 << 20))" "$(member_pid aside side) $(memory_of "$side")"
