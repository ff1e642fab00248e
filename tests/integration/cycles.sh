#!/usr/bin/env bash
# 200 times up and down while the machine is busy: nothing is left, of any kind.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"
rounds=${ROUNDS:-200}

# A sleep that is PID 1 of its own namespace ignores SIGTERM: no grace, or each round takes all of it.
files=("$(three cycle-a)"
  "$(three cycle-b 'shareProcessNamespace: false' 'terminationGracePeriodSeconds: 0')"
  "$(three cycle-c)")
sed -i 's/command: \["sleep", "3600"\]/&, resources: {limits: {memory: 64Mi, cpu: 500m}}/' "${files[2]}"

# A pod that stays, so that what all pods share stays in use, and some load.
up "$(three stays)"
timeout 580 sh -c 'while :; do :; done' &
load=$!

count() {
  echo "mounts $(wc -l </proc/self/mountinfo)"
  echo "cgroups $(find /sys/fs/cgroup -type d -path '*pausa*' | wc -l)"
  echo "files $(find "$PAUSA_ROOT" "$PAUSA_RUNROOT" | wc -l)"
  echo "links $(find /sys/class/net | wc -l)"
  for actor in infra supervisor guard; do
    pid=$(field stays .pausa.$actor.pid)
    echo "$actor fds $(find "/proc/$pid/fd" | wc -l)"
  done
}

# One round before the count: what is made once and kept (the store, a cache) is there then.
for file in "${files[@]}"; do
  up "$file"
  expect_exit 0 pausa down "$file"
done
swept() { [[ -z $(ls -A "$PAUSA_ROOT/trash") ]]; }
eventually "what was removed is swept" swept
before=$(count)

for round in $(seq "$rounds"); do
  file=${files[round % 3]}
  expect_exit 0 pausa up -d "$file"
  if ((round % 10 == 0)); then
    name=$(basename "$file" .yaml)
    expect_exit 5 pausa exec "$name/b" sh -c 'exit 5'
    trace "$name"
  fi
  expect_exit 0 pausa down "$file"
done
kill $load
wait $load 2>/dev/null || true

settled() {
  local after
  after=$(count)
  diff <(echo "$before") <(echo "$after")
}
eventually "after $rounds cycles there is what there was before" settled
expect_exit 0 pausa ps -a -q
same "the pod that stays stayed" stays "$output"
same "and was never restarted" 0 "$(status_of stays a .restartCount)"
expect_exit 0 pausa down --all
eventually "nothing is left" nothing_remains
