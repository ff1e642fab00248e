#!/usr/bin/env bash
# A pod of many containers, begun with the usual limit of 1024 descriptors: the supervisor has a
# dozen for each, and a member's own limit keeps none of them from starting.
source "$(dirname "${BASH_SOURCE[0]}")/../support/lib.sh"

count=240 # the most that there may be
members() { # COUNT: the file of a pod with so many
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: large\nspec:\n  containers:\n'
    local i
    for ((i = 1; i <= $1; i++)); do
      printf '  - {name: c%d, image: busybox, command: ["sh", "-c", "ulimit -Sn; exec sleep 3600"]}\n' $i
    done
  } | manifest large
}
expect_exit 3 pausa up -d "$(members $((count + 1)))"
match "one more is refused" "$errors" "spec.containers: Forbidden: not supported by pausa: more than $count containers"
large=$(members $count)
ulimit -Sn 1024
up "$large"
same "all of them run" $count "$(field large '[.status.containerStatuses[] | select(.state.running)] | length')"
expect_exit 0 pausa exec large/c$count true
all_told() {
  local said
  said=$(pausa logs large | sed 's/.*| //' | sort | uniq -c | xargs)
  echo "$said"
  [[ $said == "$count 1024" ]]
}
PATIENCE=60 eventually "each with the limit of a member" all_told
pid=$(field large .pausa.supervisor.pid)
kill -KILL "$pid"
adopted() {
  local seen
  seen=$(field large '.pausa.supervisor.pid, ([.status.containerStatuses[] | select(.state.running)] | length)' | xargs)
  echo "$seen"
  [[ $seen != "$pid "* && $seen == *" $count" ]]
}
PATIENCE=60 eventually "another supervisor takes them all over" adopted
expect_exit 0 pausa exec large/c1 true
expect_exit 0 pausa down -t 0s large
eventually "nothing is left" nothing_remains

# All end at once while the supervisor is not there to hear of it, and begin again: nobody is
# forgotten, and what the instances before have left with infra is no hindrance.
together=$(
  {
    printf 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: together\nspec:\n'
    printf '  restartPolicy: OnFailure\n  volumes: [{name: v, emptyDir: {}}]\n  containers:\n'
    for ((i = 1; i <= count; i++)); do
      printf '  - {name: c%d, image: busybox, volumeMounts: [{name: v, mountPath: /v}], command: ' $i
      # shellcheck disable=SC2016
      printf '["sh", "-c", "[ ! -e /v/go ] || exit 0; trap \\"exit 7\\" USR1; >/v/$HOSTNAME.%d; while :; do sleep 1 & wait; done"]}\n' $i
    done
  } | manifest together
)
up --restart-backoff 20ms "$together"
volume=$PAUSA_ROOT/pods/default_together/volumes/v
set_traps() { (($(find "$volume" -type f | wc -l) == count)); }
PATIENCE=60 eventually "all have set their traps" set_traps
pid=$(field together .pausa.supervisor.pid)
pausa inspect together | jq -r '.pausa.containers[].pid' >"$work/members"
: >"$volume/go"
kill -STOP "$pid"
xargs kill -USR1 <"$work/members"
all_ended() { while read -r member; do dead "$member" || return 1; done <"$work/members"; }
PATIENCE=60 eventually "all have ended" all_ended
kill -CONT "$pid"
finished() { # code of the first instance, restarts, code of the second
  local seen
  seen=$(field together '[.status.containerStatuses[] |
    "\(.lastState.terminated.exitCode) \(.restartCount) \(.state.terminated.exitCode)"] | unique | join(", ")')
  echo "$seen"
  [[ $seen == "7 1 0" ]]
}
PATIENCE=60 eventually "each has ended with 7, been restarted once, and succeeded" finished
expect_exit 0 pausa down -t 0s together
eventually "nothing is left of it" nothing_remains
